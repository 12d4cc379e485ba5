package dev.coppice.store.remote;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import java.time.Duration;
import java.util.List;

/**
 * One node of those that share an etcd leads: the one that made the key {@code /leader}, which goes with its lease. It counts
 * itself as leading only as long as its lease has certainly not ended, by its own clock. Safe for use by many threads.
 */
public final class EtcdCandidacy {

    private static final System.Logger LOG = System.getLogger(EtcdCandidacy.class.getName());

    private static final ByteString KEY = ByteString.copyFromUtf8("/leader");
    private static final Duration TTL = Duration.ofSeconds(5);
    private static final Duration BEAT = Duration.ofSeconds(1);

    private final Kernel kernel;
    private final Keyspace keyspace;
    private final String name;
    private long lease;
    private volatile boolean elected;
    private volatile long untilNanos;
    private volatile String leader = "";

    EtcdCandidacy(Kernel kernel, Keyspace keyspace, String name) {
        this.kernel = kernel;
        this.keyspace = keyspace;
        this.name = name;
    }

    public boolean leading() {
        return elected && kernel.clock().nanoTime() < untilNanos;
    }

    /** The name of the node that led when this one last looked; empty when none did. */
    public String leader() {
        return leader;
    }

    /** Runs for ever; hands over when it is stopped. */
    void run() throws InterruptedException {
        try {
            while (true) {
                try {
                    look();
                } catch (StoreException e) {
                    LOG.log(System.Logger.Level.DEBUG, "who leads is looked at again later", e);
                }
                kernel.timers().sleep(BEAT);
            }
        } finally {
            resign();
        }
    }

    /** One step; fails when etcd does not answer, and leadership then ends by itself. */
    void look() {
        long now = kernel.clock().nanoTime();
        if (lease == 0) {
            lease = keyspace.grant(LeaseGrantRequest.newBuilder()
                            .setTTL(TTL.toSeconds())
                            .build())
                    .getID();
        } else {
            long left = keyspace.keepAlive(
                            LeaseKeepAliveRequest.newBuilder().setID(lease).build())
                    .getTTL();
            if (left <= 0) {
                lease = 0;
                elected = false;
                return;
            }
        }
        TxnResponse answer = keyspace.txn(TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(KEY)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setCreateRevision(0))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(KEY)
                                .setValue(ByteString.copyFromUtf8(name))
                                .setLease(lease)))
                .addFailure(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder().setKey(KEY)))
                .build());
        boolean mine = answer.getSucceeded();
        String seen = name;
        if (!mine) {
            List<KeyValue> found = answer.getResponses(0).getResponseRange().getKvsList();
            mine = !found.isEmpty() && found.getFirst().getLease() == lease;
            seen = found.isEmpty() ? "" : found.getFirst().getValue().toStringUtf8();
        }
        leader = seen;
        untilNanos = now + TTL.toNanos();
        elected = mine;
    }

    private void resign() {
        elected = false;
        long held = lease;
        lease = 0;
        if (held != 0) {
            try {
                var unused = keyspace.revoke(
                        LeaseRevokeRequest.newBuilder().setID(held).build());
            } catch (StoreException e) {
                LOG.log(System.Logger.Level.DEBUG, "the lease ends by itself", e);
            }
        }
    }
}
