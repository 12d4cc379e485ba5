package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import com.google.protobuf.Message;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.AskResponse;
import dev.coppice.store.wire.ProposeRequest;
import java.util.function.Consumer;

/**
 * What a running member does with what other members send. Answers are handed over once, at once or later. Safe for use by
 * many threads; may block, but for {@link #propose}.
 */
interface PeerHandler {

    void append(AppendEntriesRequest request, Consumer<Message> answer);

    void vote(RequestVoteRequest request, Consumer<Message> answer);

    void installSnapshot(InstallSnapshotRequest request, Consumer<Message> answer);

    void file(GetFileRequest request, Consumer<Message> answer);

    void timeoutNow(TimeoutNowRequest request, Consumer<Message> answer);

    void readIndex(ReadIndexRequest request, Consumer<Message> answer);

    void propose(ProposeRequest request, Consumer<Message> answer);

    AskResponse ask(AskRequest request);
}
