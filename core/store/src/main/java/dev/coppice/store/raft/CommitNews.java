package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.rpc.RaftServerService;
import com.alipay.sofa.jraft.rpc.RpcRequestClosure;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import dev.coppice.store.raft.Leaders.Leader;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a follower hears of how far the leader is committed when a command of its own was applied there: sooner than by the
 * next entries or heartbeat, and without a question. Such news are what a heartbeat of the leader would say, so the library
 * is given one that says it. Safe for use by many threads; nothing blocks.
 */
final class CommitNews {

    private record News(Leader leader, long index) {
        boolean newerThan(News other) {
            return leader.term() > other.leader.term() || leader.term() == other.leader.term() && index > other.index;
        }
    }

    private final Node node;
    private final ReadBarrier barrier;
    private final Executor threads;

    /** The newest that the library was not told yet; somebody is about to tell it. */
    private final AtomicReference<@Nullable News> newest = new AtomicReference<>();

    /** @param threads may wait */
    CommitNews(Node node, ReadBarrier barrier, Executor threads) {
        this.node = node;
        this.barrier = barrier;
        this.threads = threads;
    }

    /** @param index of an entry that the leader appended in its term, and has applied */
    void told(Leader leader, long index) {
        News news = new News(leader, index);
        News before = newest.getAndUpdate(known -> known == null || news.newerThan(known) ? news : known);
        if (before != null) {
            return;
        }
        try {
            threads.execute(this::pass);
        } catch (RejectedExecutionException e) {
            newest.set(null);
        }
    }

    private void pass() {
        News news = newest.getAndSet(null);
        if (news == null) {
            return;
        }
        try {
            if (node.getLastCommittedIndex() >= news.index) {
                return;
            }
            // An entry that others have, and this member not yet, comes with the next entries: then ask.
            if (node.getLastLogIndex() < news.index || !heartbeat(news)) {
                barrier.hurry();
            }
        } catch (IllegalStateException e) {
            // The member stops.
            return;
        }
    }

    private boolean heartbeat(News news) {
        AppendEntriesRequest heartbeat = AppendEntriesRequest.newBuilder()
                .setGroupId(node.getGroupId())
                .setServerId(news.leader.raft())
                .setPeerId(node.getNodeId().getPeerId().toString())
                .setTerm(news.leader.term())
                .setPrevLogTerm(news.leader.term())
                .setPrevLogIndex(news.index)
                .setCommittedIndex(news.index)
                .build();
        return ((RaftServerService) node)
                                .handleAppendEntriesRequest(
                                        heartbeat,
                                        new RpcRequestClosure(
                                                RaftRequests.NOBODY, AppendEntriesResponse.getDefaultInstance()))
                        instanceof AppendEntriesResponse response
                && response.getSuccess();
    }
}
