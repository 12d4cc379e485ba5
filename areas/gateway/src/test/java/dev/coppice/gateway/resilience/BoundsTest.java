package dev.coppice.gateway.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The small parts: slots, shares, waits between retries, and the gate of an overloaded gateway. */
@Timeout(60)
class BoundsTest {
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @Test
    void thereAreNeverMoreThanTheSlots() throws Exception {
        Slots slots = new Slots();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Threads.run(8, _ -> {
            for (int i = 0; i < 20_000; i++) {
                if (slots.take(3)) {
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    inside.decrementAndGet();
                    slots.giveBack();
                }
            }
        });
        assertThat(most.get()).isBetween(1, 3);
        assertThat(slots.used()).isZero();
    }

    @Test
    void aSlotIsGivenBackOnce() {
        Slots slots = new Slots();
        assertThat(slots.take(0)).isFalse();
        slots.insist();
        assertThat(slots.used()).isEqualTo(1);
        slots.giveBack();
        assertThatThrownBy(slots::giveBack).isInstanceOf(IllegalStateException.class);
        assertThat(slots.used()).isZero();
    }

    @Test
    void aShareIsExact() {
        for (int round = 0; round < 100; round++) {
            Share share = new Share();
            int part = random.nextInt(Share.ALL + 1);
            int picked = 0;
            for (int i = 1; i <= 1000; i++) {
                picked += share.next(part) ? 1 : 0;
                assertThat(picked).as("seed %d", seed).isEqualTo((int) ((long) i * part / Share.ALL));
            }
        }
    }

    @Test
    void aShareIsExactAmongThreads() throws Exception {
        Share share = new Share();
        AtomicInteger picked = new AtomicInteger();
        Threads.run(4, _ -> {
            for (int i = 0; i < 10_000; i++) {
                if (share.next(Share.ALL / 4)) {
                    picked.incrementAndGet();
                }
            }
        });
        assertThat(picked.get()).isEqualTo(10_000);
    }

    @Test
    void waitsAreAsLongAsAskedForAndGrowToTenTimesThat() {
        for (int round = 0; round < 10_000; round++) {
            long least = 1 + random.nextLong(1L << random.nextInt(62));
            int retry = 1 + random.nextInt(100);
            long times = retry >= 4 ? 10 : 1L << retry;
            long most = least > Long.MAX_VALUE / times - 1 ? Long.MAX_VALUE : least * times;
            assertThat(Backoff.nanos(least, retry, random))
                    .as("seed %d: %d, retry %d", seed, least, retry)
                    .isBetween(least, most);
        }
        assertThat(Backoff.nanos(0, 3, random)).isZero();
    }

    @Test
    void aGateOpensAndClosesSlowlyAndNeverWholly() {
        OverloadGate gate = new OverloadGate(10, 5);
        gate.measured(99);
        gate.measured(99);
        gate.measured(9);
        gate.measured(99);
        gate.measured(99);
        assertThat(gate.shed()).isZero();
        gate.measured(10);
        assertThat(gate.shed()).isEqualTo(0.5);
        gate.measured(10);
        assertThat(gate.shed()).isEqualTo(0.75);
        gate.measured(7);
        assertThat(gate.shed()).isEqualTo(0.75);
        for (int i = 0; i < 20; i++) {
            gate.measured(100);
        }
        assertThat(gate.shed()).isBetween(0.949, 0.951);
        int admitted = 0;
        for (int i = 0; i < 1000; i++) {
            admitted += gate.admits() ? 1 : 0;
        }
        assertThat(admitted).isBetween(49, 50);
        for (int i = 0; i < 18; i++) {
            gate.measured(5);
            assertThat(gate.shed()).isGreaterThan(0);
        }
        gate.measured(5);
        gate.measured(5);
        assertThat(gate.shed()).isZero();
        assertThat(gate.admits()).isTrue();
        assertThatThrownBy(() -> new OverloadGate(1, 1)).hasMessageContaining("leave: 1.0");
    }
}
