package dev.coppice.acceptance.fault;

import static dev.coppice.acceptance.fault.EtcdClient.bytes;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LockRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.UnlockRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Random;

/**
 * Takes one lock again and again, each time as another owner with a lease of its own that outlives every fault, and writes
 * while it holds it, on condition that it still holds it.
 */
final class LockClient implements Runnable {
    static final String GUARDED = "guarded/";

    private static final long TTL_SECONDS = 900;
    private static final Duration PATIENCE = Duration.ofSeconds(4);

    private final int number;
    private final EtcdClient node;
    private final Load load;
    private final String lock;
    private final Random random;
    private int attempts;

    LockClient(int number, EtcdClient node, Load load, String lock, long seed) {
        this.number = number;
        this.node = node;
        this.load = load;
        this.lock = lock;
        this.random = new Random(seed);
    }

    @Override
    public void run() {
        while (!load.over()) {
            try {
                long lease = node.leases()
                        .leaseGrant(LeaseGrantRequest.newBuilder()
                                .setTTL(TTL_SECONDS)
                                .build())
                        .getID();
                attempt(lease, number + "-" + ++attempts);
            } catch (StatusRuntimeException e) {
                var unused = load.surelyRefused(e);
                Load.pause(50);
            }
            Load.pause(5 + random.nextInt(40));
        }
    }

    private void attempt(long lease, String owner) {
        LockModel.Lock request = new LockModel.Lock(owner);
        long invoked = System.nanoTime();
        ByteString key = null;
        try {
            key = node.locks(PATIENCE)
                    .lock(LockRequest.newBuilder()
                            .setName(bytes(load.prefix() + lock))
                            .setLease(lease)
                            .build())
                    .getKey();
            load.history().addLock(lock, new Operation<>(number, request, true, invoked, System.nanoTime()));
            load.countAnswered();
        } catch (StatusRuntimeException e) {
            var unused = load.surelyRefused(e);
        }
        if (key == null) {
            release(lease, owner);
            // It may have been granted, but not any more.
            load.history().addLock(lock, new Operation<>(number, request, null, invoked, System.nanoTime()));
            return;
        }
        for (int i = random.nextInt(3); i >= 0; i--) {
            write(key, owner);
        }
        if (random.nextBoolean() && unlock(key, owner)) {
            return;
        }
        release(lease, owner);
    }

    private void write(ByteString key, String owner) {
        try {
            var unused = node.kv()
                    .txn(TxnRequest.newBuilder()
                            .addCompare(Compare.newBuilder()
                                    .setKey(key)
                                    .setTarget(Compare.CompareTarget.CREATE)
                                    .setResult(Compare.CompareResult.GREATER)
                                    .setCreateRevision(0))
                            .addSuccess(RequestOp.newBuilder()
                                    .setRequestPut(PutRequest.newBuilder()
                                            .setKey(bytes(load.prefix() + GUARDED + lock))
                                            .setValue(bytes(owner))))
                            .build());
            load.countAnswered();
        } catch (StatusRuntimeException e) {
            var unused = load.surelyRefused(e);
        }
    }

    /** Whether it is certain that the lock was given back. */
    private boolean unlock(ByteString key, String owner) {
        long invoked = System.nanoTime();
        try {
            var unused = node.locks(EtcdClient.TIMEOUT)
                    .unlock(UnlockRequest.newBuilder().setKey(key).build());
            load.history()
                    .addLock(
                            lock,
                            new Operation<>(number, new LockModel.Release(owner), true, invoked, System.nanoTime()));
            load.countAnswered();
            return true;
        } catch (StatusRuntimeException e) {
            var unused = load.surelyRefused(e);
            // The same release goes on with the lease: it began with this call.
            load.history().addLock(lock, Operation.unknown(number, new LockModel.Release(owner), invoked));
            return false;
        }
    }

    /** Ends the lease, and asks until that is certain. */
    private void release(long lease, String owner) {
        long invoked = System.nanoTime();
        long end = invoked + Duration.ofSeconds(120).toNanos();
        while (System.nanoTime() < end) {
            try {
                var unused = node.leases()
                        .leaseRevoke(
                                LeaseRevokeRequest.newBuilder().setID(lease).build());
                break;
            } catch (StatusRuntimeException e) {
                if (Load.is(e, Status.Code.NOT_FOUND)) {
                    break;
                }
                Load.pause(100);
            }
        }
        load.history()
                .addLock(lock, new Operation<>(number, new LockModel.Release(owner), true, invoked, System.nanoTime()));
    }
}
