package dev.coppice.acceptance.fault;

import static dev.coppice.acceptance.fault.EtcdClient.bytes;

import dev.coppice.acceptance.fault.LeaseModel.Request;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.PutRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Grants leases, attaches a key to each, renews them for a while, revokes some, lets the others run out, and looks after the
 * keys. A lease may not end before its time, counted from the last renewal that was answered, and has to end after it.
 */
final class LeaseClient implements Runnable {
    private static final long TTL_SECONDS = 3;
    private static final Duration OVERDUE = Duration.ofSeconds(90);

    private final int number;
    private final EtcdClient node;
    private final Load load;
    private final Random random;
    private int granted;

    LeaseClient(int number, EtcdClient node, Load load, long seed) {
        this.number = number;
        this.node = node;
        this.load = load;
        this.random = new Random(seed);
    }

    @Override
    public void run() {
        while (!load.over()) {
            try {
                life(random.nextLong() & Long.MAX_VALUE | 1);
            } catch (StatusRuntimeException e) {
                var unused = load.surelyRefused(e);
                Load.pause(100);
            }
        }
    }

    private void life(long id) {
        String key = load.prefix() + "leased/" + number + "-" + ++granted;
        long invoked = System.nanoTime();
        long ttl = node.leases()
                .leaseGrant(LeaseGrantRequest.newBuilder()
                        .setID(id)
                        .setTTL(TTL_SECONDS)
                        .build())
                .getTTL();
        record(id, Request.GRANT, true, invoked);
        long alive = invoked;
        try {
            var unused = node.kv()
                    .put(PutRequest.newBuilder()
                            .setKey(bytes(key))
                            .setValue(bytes(Long.toHexString(id)))
                            .setLease(id)
                            .build());
        } catch (StatusRuntimeException e) {
            // Without its key there is nothing to look at.
            var unused = load.surelyRefused(e);
            return;
        }
        for (int i = random.nextInt(5); i > 0 && !load.over(); i--) {
            Load.pause(ttl * 1000 / 4);
            long asked = System.nanoTime();
            Boolean renewed = renew(id);
            if (renewed == null) {
                continue;
            }
            record(id, Request.RENEW, renewed, asked);
            if (!renewed) {
                break;
            }
            alive = asked;
        }
        if (random.nextInt(3) == 0) {
            revoke(id);
        }
        look(id, key, alive + ttl * 1_000_000_000);
    }

    private void record(long id, Request request, @Nullable Boolean answer, long invoked) {
        load.history().addLease(id, new Operation<>(number, request, answer, invoked, System.nanoTime()));
        load.countAnswered();
    }

    /** Whether it was alive; null when nobody said. */
    private @Nullable Boolean renew(long id) {
        CompletableFuture<Long> answer = new CompletableFuture<>();
        StreamObserver<LeaseKeepAliveRequest> stream = node.leaseStreams()
                .withDeadlineAfter(EtcdClient.TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .leaseKeepAlive(new StreamObserver<>() {
                    @Override
                    public void onNext(LeaseKeepAliveResponse response) {
                        answer.complete(response.getTTL());
                    }

                    @Override
                    public void onError(Throwable error) {
                        answer.completeExceptionally(error);
                    }

                    @Override
                    public void onCompleted() {
                        answer.completeExceptionally(new IllegalStateException("no answer"));
                    }
                });
        stream.onNext(LeaseKeepAliveRequest.newBuilder().setID(id).build());
        try {
            return answer.get(EtcdClient.TIMEOUT.toMillis() + 500, TimeUnit.MILLISECONDS) > 0;
        } catch (ExecutionException | TimeoutException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        } finally {
            try {
                stream.onCompleted();
            } catch (IllegalStateException e) {
                // It has ended already.
            }
        }
    }

    private void revoke(long id) {
        long invoked = System.nanoTime();
        try {
            var unused = node.leases()
                    .leaseRevoke(LeaseRevokeRequest.newBuilder().setID(id).build());
            record(id, Request.REVOKE, true, invoked);
        } catch (StatusRuntimeException e) {
            if (Load.is(e, Status.Code.NOT_FOUND)) {
                record(id, Request.REVOKE, false, invoked);
            } else {
                load.history().addLease(id, Operation.unknown(number, Request.REVOKE, invoked));
            }
        }
    }

    /** Looks until the key is gone. The store may end the lease from {@code end} on. */
    private void look(long id, String key, long end) {
        load.history().addLease(id, Operation.unknown(-1, Request.EXPIRE, end));
        while (true) {
            long invoked = System.nanoTime();
            try {
                boolean there = node.get(key).getKvsCount() > 0;
                record(id, Request.LOOK, there, invoked);
                if (!there) {
                    return;
                }
            } catch (StatusRuntimeException e) {
                Load.pause(50);
            }
            if (System.nanoTime() > end + OVERDUE.toNanos()) {
                load.history().addProblem("the lease " + Long.toHexString(id) + " did not end within " + OVERDUE);
                return;
            }
            Load.pause(100);
        }
    }
}
