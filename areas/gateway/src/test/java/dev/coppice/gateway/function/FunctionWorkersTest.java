package dev.coppice.gateway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who computes when. */
@Timeout(60)
class FunctionWorkersTest {
    private static final int THREADS = 4;
    private static final int MOST = 6;

    private final SimulatedClock clock = new SimulatedClock();
    private Kernel kernel;
    private FunctionWorkers workers;

    @BeforeEach
    void start() throws Exception {
        kernel = Kernel.start();
        workers = new FunctionWorkers(kernel.root(), "test", clock, THREADS, MOST);
    }

    @AfterEach
    void stop() throws Exception {
        kernel.close();
    }

    /** A task that goes on until it may end. */
    private static final class Endless implements Runnable {
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch gate = new CountDownLatch(1);

        @Override
        public void run() {
            begun.countDown();
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private FunctionWorkers.Share open() {
        FunctionWorkers.Share share = workers.share();
        share.open();
        return share;
    }

    private static void runs(FunctionWorkers.Share share) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        share.execute(done::countDown);
        assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
    }

    /** As {@link #runs}, for a share whose tasks may have all places to wait for now. */
    private static void runsOnceThereIsPlace(FunctionWorkers.Share share) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(50);
        for (boolean taken = false; !taken; ) {
            try {
                share.execute(done::countDown);
                taken = true;
            } catch (RejectedExecutionException e) {
                assertThat(System.nanoTime()).isLessThan(end);
                Thread.onSpinWait();
            }
        }
        assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
    }

    /** Has a task that took long. */
    private FunctionWorkers.Share slow() throws InterruptedException {
        FunctionWorkers.Share share = open();
        CountDownLatch done = new CountDownLatch(1);
        share.execute(() -> clock.advance(Duration.ofMillis(100)));
        // Only after the one before has ended, and counts as slow.
        share.execute(() -> {
            clock.advance(Duration.ofMillis(100));
            done.countDown();
        });
        assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
        return share;
    }

    @Test
    void whatWaitsForItsShareIsRunOnceThatIsOpen() throws Exception {
        FunctionWorkers.Share share = workers.share();
        CountDownLatch done = new CountDownLatch(1);
        share.execute(done::countDown);
        assertThat(workers.waiting()).isEqualTo(1);
        assertThat(share.waiting()).isEqualTo(1);
        share.open();
        assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
        assertThat(workers.waiting()).isZero();
    }

    /** However many there are, another one finds a thread that is soon free, and a place to wait. */
    @Test
    void slowSharesLeaveHalfToOthers() throws Exception {
        List<Endless> endless = new ArrayList<>();
        List<FunctionWorkers.Share> slow = new ArrayList<>();
        for (int i = 0; i < 2 * THREADS; i++) {
            slow.add(slow());
        }
        for (FunctionWorkers.Share each : slow) {
            try {
                while (true) {
                    Endless one = new Endless();
                    each.execute(one);
                    endless.add(one);
                }
            } catch (RejectedExecutionException e) {
                // It has as much as it may.
            }
        }
        endless.get(0).begun.await();
        assertThat(workers.running(true)).isEqualTo(THREADS / 2);
        assertThat(workers.running(false)).isZero();
        for (int i = 0; i < 2 * MOST; i++) {
            runs(open());
        }
        // One of them that has become quick again is slow until it has ended.
        assertThat(workers.running(true)).isEqualTo(THREADS / 2);
        endless.forEach(each -> each.gate.countDown());
        for (FunctionWorkers.Share each : slow) {
            runsOnceThereIsPlace(each);
        }
    }

    @Test
    void aShareHasAQuarterAndWhatIsLeftOfThePlaces() throws Exception {
        FunctionWorkers.Share one = open();
        Endless endless = new Endless();
        one.execute(endless);
        endless.begun.await();
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < MOST / 2; i++) {
            one.execute(ran::incrementAndGet);
        }
        assertThatThrownBy(() -> one.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
        assertThat(one.waiting()).isEqualTo(MOST / 2);
        runs(open());
        assertThat(ran).hasValue(0);
        endless.gate.countDown();
        runsOnceThereIsPlace(one);
        assertThat(ran).hasValue(MOST / 2);
    }

    /** Whatever is taken is run once, also when tasks fail. */
    @Test
    void nothingIsLost() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<FunctionWorkers.Share> shares = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            shares.add(open());
        }
        AtomicInteger ran = new AtomicInteger();
        int taken = 0;
        for (int i = 0; i < 3000; i++) {
            boolean longer = random.nextInt(20) == 0;
            try {
                shares.get(random.nextInt(shares.size())).execute(() -> {
                    if (longer) {
                        clock.advance(Duration.ofMillis(200));
                    }
                    ran.incrementAndGet();
                });
                taken++;
            } catch (RejectedExecutionException e) {
                Thread.yield();
            }
        }
        for (FunctionWorkers.Share each : shares) {
            runsOnceThereIsPlace(each);
        }
        assertThat(ran).as("seed %d", seed).hasValue(taken);
        assertThat(workers.waiting()).as("seed %d", seed).isZero();
    }
}
