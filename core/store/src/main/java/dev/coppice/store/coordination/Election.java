package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.WatchCreateRequest;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** An election: candidates lead one after the other, in the order of their campaigns. Safe for use by many threads. */
public final class Election {
    private static final Duration RETRY = Duration.ofMillis(200);

    private final Session session;
    private final String name;
    private final ByteString bytes;

    Election(Session session, String name, ByteString bytes) {
        this.session = session;
        this.name = name;
        this.bytes = bytes;
    }

    /**
     * Who leads.
     *
     * @param proposal what it proclaims
     * @param token its fencing token
     */
    public record Leader(ByteString key, String proposal, long token) {}

    /**
     * Leads, until it is closed (resigns), or lost.
     *
     * @param grant to be asked whether it still leads
     */
    public record Leadership(Grant grant) implements AutoCloseable {
        public long token() {
            return grant.token();
        }

        /**
         * Changes what it proclaims.
         *
         * @throws SessionExpiredException when it leads no longer
         */
        public void proclaim(String proposal) {
            boolean leads = grant.session()
                    .keyspace()
                    .txn(TxnRequest.newBuilder()
                            .addCompare(grant.guard())
                            .addSuccess(RequestOp.newBuilder()
                                    .setRequestPut(PutRequest.newBuilder()
                                            .setKey(grant.key())
                                            .setValue(ByteString.copyFromUtf8(proposal))
                                            .setLease(grant.place().lease())))
                            .build())
                    .getSucceeded();
            if (!leads) {
                throw new SessionExpiredException(
                        "the leadership of \"" + grant.name() + "\" is lost: its key was deleted");
            }
        }

        /** Resigns: the next candidate leads. */
        @Override
        public void close() {
            grant.close();
        }
    }

    /** Waits until it leads. Throws as {@link DistributedLock#acquire()}. */
    public Leadership campaign(String proposal) throws InterruptedException {
        return campaign(proposal, new Patience()).orElseThrow(session::expired);
    }

    /** Waits until it leads, or patience ends: empty then, and it is no candidate any more. */
    public Optional<Leadership> campaign(String proposal, Patience patience) throws InterruptedException {
        Optional<Grant> grant = DistributedLock.Acquisition.acquire(
                session,
                name,
                ContenderKey.of(bytes, session.lease()),
                ByteString.copyFromUtf8(proposal),
                FairQueue.Turn.exclusive(bytes),
                session.begin(patience),
                () -> {});
        return grant.map(Leadership::new);
    }

    /** Who leads now. */
    public Optional<Leader> leader() {
        return first().getKvsList().stream().findFirst().map(Election::leader);
    }

    private static Leader leader(KeyValue first) {
        return new Leader(first.getKey(), first.getValue().toStringUtf8(), first.getCreateRevision());
    }

    private RangeResponse first() {
        ByteString below = ContenderKey.below(bytes);
        return session.keyspace()
                .range(RangeRequest.newBuilder()
                        .setKey(below)
                        .setRangeEnd(FairQueue.prefixEnd(below))
                        .setSortTarget(RangeRequest.SortTarget.CREATE)
                        .setLimit(1)
                        .build());
    }

    /**
     * Tells who leads, and again whenever that, or what the leader proclaims, changes; empty while nobody does. Runs in the
     * caller's thread until it is interrupted or patience ends. What happened between two looks may be left out; the newest
     * state never is.
     */
    public void observe(Patience patience, Consumer<Optional<Leader>> listener) throws InterruptedException {
        ByteString below = ContenderKey.below(bytes);
        Optional<Leader> told = Optional.empty();
        boolean first = true;
        while (!patience.over()) {
            try {
                RangeResponse now = first();
                Optional<Leader> leader = now.getKvsList().stream().findFirst().map(Election::leader);
                if (first || !leader.equals(told)) {
                    listener.accept(leader);
                    told = leader;
                    first = false;
                }
                session.queue()
                        .awaitChange(
                                List.of(WatchCreateRequest.newBuilder()
                                        .setKey(below)
                                        .setRangeEnd(FairQueue.prefixEnd(below))
                                        .setStartRevision(now.getHeader().getRevision() + 1)
                                        .build()),
                                patience);
            } catch (StoreException e) {
                if (e.code() != Code.UNAVAILABLE && e.code() != Code.DEADLINE_EXCEEDED) {
                    throw e;
                }
                session.kernel().timers().sleep(RETRY);
            }
        }
    }
}
