package dev.coppice.store.coordination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Locks, read-write locks, semaphores and barriers on a real store. */
@Timeout(60)
final class LocksTest {
    @TempDir
    Path directory;

    private StoreHeld store;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @BeforeEach
    void open() throws Exception {
        store = new StoreHeld(directory, Clock.system());
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        store.close();
    }

    private <T> Future<T> start(Callable<T> body) {
        return threads.submit(body);
    }

    private static <T> T get(Future<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    @Test
    void whoComesFirstHasItFirst() throws Exception {
        try (Session holder = store.session()) {
            Grant held = holder.lock("jobs").acquire();
            List<Long> granted = Collections.synchronizedList(new ArrayList<>());
            List<Future<Void>> waiting = new ArrayList<>();
            List<Long> arrived = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                Session session = store.session();
                waiting.add(start(() -> {
                    try (session;
                            Grant _ = session.lock("jobs").acquire()) {
                        granted.add(session.lease());
                    }
                    return null;
                }));
                store.awaitContenders("jobs", i + 2);
                arrived.add(session.lease());
            }
            assertThat(granted).isEmpty();
            held.close();
            for (Future<Void> each : waiting) {
                get(each);
            }
            assertThat(granted).isEqualTo(arrived);
            assertThat(store.below("jobs/")).isEmpty();
        }
    }

    @Test
    void oneHoldsItAtATimeAndTokensGrow() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        List<Long> tokens = Collections.synchronizedList(new ArrayList<>());
        List<Future<Void>> all = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            all.add(start(() -> {
                try (Session session = store.session()) {
                    for (int turn = 0; turn < 10; turn++) {
                        try (Grant grant = session.lock("counter").acquire()) {
                            assertThat(inside.incrementAndGet()).isEqualTo(1);
                            tokens.add(grant.token());
                            inside.decrementAndGet();
                        }
                    }
                }
                return null;
            }));
        }
        for (Future<Void> each : all) {
            get(each);
        }
        assertThat(tokens).hasSize(60).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void aHolderMayAcquireAgain() throws Exception {
        try (Session one = store.session();
                Session two = store.session()) {
            Grant outer = one.lock("again").acquire();
            Grant inner = one.lock("again").acquire();
            assertThat(inner.token()).isEqualTo(outer.token());
            inner.close();
            inner.close();
            assertThat(outer.held()).isTrue();
            assertThat(two.lock("again").tryAcquire()).isEmpty();
            outer.close();
            try (Grant next = two.lock("again").tryAcquire().orElseThrow()) {
                assertThat(next.token()).isGreaterThan(outer.token());
            }
        }
    }

    @Test
    void whoGivesUpLeavesNothingBehind() throws Exception {
        try (Session one = store.session();
                Session two = store.session();
                Grant _ = one.lock("busy").acquire()) {
            assertThat(two.lock("busy").tryAcquire()).isEmpty();
            assertThat(two.lock("busy").acquire(Duration.ofMillis(50))).isEmpty();
            Future<Grant> interrupted = start(() -> two.lock("busy").acquire());
            store.awaitContenders("busy", 2);
            interrupted.cancel(true);
            while (store.below("busy/").size() > 1) {
                Thread.onSpinWait();
            }
            assertThat(two.alive()).isTrue();
        }
    }

    @Test
    void aLostLeaseIsNoticedAndTheNextOneHolds() throws Exception {
        try (Session one = store.session();
                Session two = store.session()) {
            Grant lost = one.lock("leased").acquire();
            Future<Grant> next = start(() -> two.lock("leased").acquire());
            store.awaitContenders("leased", 2);
            store.revoke(one);
            Grant now = get(next);
            assertThat(now.token()).isGreaterThan(lost.token());
            assertThat(lost.lost().get(20, TimeUnit.SECONDS)).contains("leased/");
            assertThat(lost.held()).isFalse();
            assertThat(put(lost, "stale"))
                    .as("what is guarded by the lost grant")
                    .isFalse();
            assertThat(put(now, "good")).isTrue();
        }
    }

    private boolean put(Grant grant, String value) {
        return store.keyspace
                .txn(TxnRequest.newBuilder()
                        .addCompare(grant.guard())
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestPut(PutRequest.newBuilder()
                                        .setKey(com.google.protobuf.ByteString.copyFromUtf8("guarded"))
                                        .setValue(com.google.protobuf.ByteString.copyFromUtf8(value))))
                        .build())
                .getSucceeded();
    }

    @Test
    void aDeletedKeyIsALostLock() throws Exception {
        try (Session one = store.session()) {
            Grant grant = one.lock("deleted").acquire();
            store.delete(grant.key());
            assertThat(grant.lost().get(20, TimeUnit.SECONDS)).contains("was deleted");
            assertThat(one.alive()).isTrue();
            grant.close();
            assertThat(one.lock("deleted").tryAcquire()).isPresent();
        }
    }

    @Test
    void aWaitWhoseKeyIsDeletedEndsWithAnError() throws Exception {
        try (Session one = store.session();
                Session two = store.session();
                Grant _ = one.lock("aborted").acquire()) {
            Future<Grant> waiting = start(() -> two.lock("aborted").acquire());
            store.awaitContenders("aborted", 2);
            store.revoke(two);
            assertThatThrownBy(() -> get(waiting))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(SessionExpiredException.class);
        }
    }

    @Test
    void aWaitOutlivesARestartOfTheStore() throws Exception {
        try (Session one = store.session();
                Session two = store.session()) {
            Grant held = one.lock("restart").acquire();
            Future<Grant> waiting = start(() -> two.lock("restart").acquire());
            store.awaitContenders("restart", 2);
            store.restartMember();
            held.close();
            assertThat(get(waiting).held()).isTrue();
        }
    }

    @Test
    void readersShareAndNobodyOvertakes() throws Exception {
        try (Session a = store.session();
                Session b = store.session();
                Session c = store.session();
                Session d = store.session()) {
            Grant first = a.readWriteLock("file").read().acquire();
            Grant second = b.readWriteLock("file").read().tryAcquire().orElseThrow();
            Future<Grant> writer = start(() -> c.readWriteLock("file").write().acquire());
            store.awaitContenders("file", 3);
            assertThat(d.readWriteLock("file").read().tryAcquire())
                    .as("a reader behind a writer")
                    .isEmpty();
            Future<Grant> reader = start(() -> d.readWriteLock("file").read().acquire());
            store.awaitContenders("file", 4);
            first.close();
            assertThat(writer.isDone()).isFalse();
            second.close();
            Grant writing = get(writer);
            assertThat(reader.isDone()).isFalse();
            writing.close();
            get(reader).close();
        }
    }

    @Test
    void aSemaphoreLetsInAsManyAsItHasPermits() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Future<Void>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(start(() -> {
                try (Session session = store.session()) {
                    for (int turn = 0; turn < 6; turn++) {
                        try (Grant _ = session.semaphore("pool", 3).acquire()) {
                            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                            inside.decrementAndGet();
                        }
                    }
                }
                return null;
            }));
        }
        for (Future<Void> each : all) {
            get(each);
        }
        assertThat(most.get()).isBetween(1, 3);
        try (Session a = store.session();
                Session b = store.session();
                Session c = store.session();
                Grant _ = a.semaphore("two", 2).acquire();
                Grant _ = b.semaphore("two", 2).tryAcquire().orElseThrow()) {
            assertThat(c.semaphore("two", 2).tryAcquire()).isEmpty();
            assertThatThrownBy(() -> c.semaphore("two", 3).tryAcquire())
                    .hasMessageContaining("in use with 2 permits: name the same number");
        }
    }

    @Test
    void aBarrierOpensWithItsSession() throws Exception {
        Session holder = store.session();
        try (Session other = store.session()) {
            holder.barrier("gate").close();
            holder.barrier("gate").close();
            assertThatThrownBy(() -> other.barrier("gate").close()).hasMessageContaining("closed by another session");
            assertThat(other.barrier("gate").await(Duration.ZERO)).isFalse();
            Future<Boolean> waiting = start(() -> other.barrier("gate").await(Duration.ofSeconds(30)));
            holder.close();
            assertThat(get(waiting)).isTrue();
        }
    }

    @Test
    void aDoubleBarrierWaitsForAllWhenTheyComeAndGo() throws Exception {
        AtomicInteger came = new AtomicInteger();
        AtomicInteger went = new AtomicInteger();
        List<Future<Boolean>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            all.add(start(() -> {
                try (Session session = store.session()) {
                    came.incrementAndGet();
                    boolean in = session.doubleBarrier("party", 3).enter(Duration.ofSeconds(30));
                    assertThat(came.get()).isEqualTo(3);
                    went.incrementAndGet();
                    boolean out = session.doubleBarrier("party", 3).leave(Duration.ofSeconds(30));
                    assertThat(went.get()).isEqualTo(3);
                    return in && out;
                }
            }));
        }
        for (Future<Boolean> each : all) {
            assertThat(get(each)).isTrue();
        }
        assertThat(store.below("party")).isEmpty();
    }

    @Test
    void aSessionThatCannotRenewKnowsItsEnd() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (StoreHeld held = new StoreHeld(directory.resolve("simulated"), clock)) {
            Session session = held.coordination.open(SessionOptions.DEFAULT);
            Grant grant = session.lock("slow").acquire();
            // As when the process is stopped for a while: nothing of it runs, so nothing is renewed.
            boolean _ = held.sessions.stop("session-" + Long.toHexString(session.lease()));
            clock.advance(Duration.ofSeconds(9));
            assertThat(grant.held()).isTrue();
            clock.advance(Duration.ofMillis(1001));
            assertThat(grant.held()).isFalse();
            assertThat(session.lost().get(20, TimeUnit.SECONDS)).contains("renewed");
            // That its key was deleted may be told at the same moment.
            assertThat(grant.lost().get(20, TimeUnit.SECONDS)).isNotBlank();
        }
    }

    @Test
    void errorsNameWhatIsWrong() {
        try (Session session = store.session()) {
            assertThatThrownBy(() -> session.lock("")).hasMessageContaining("name \"\"");
            assertThatThrownBy(() -> session.semaphore("s", 0)).hasMessageContaining("permits 0");
        }
    }
}
