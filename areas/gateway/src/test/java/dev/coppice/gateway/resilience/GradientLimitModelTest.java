package dev.coppice.gateway.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.config.ResilienceConfig;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A limit by latency: beside one that keeps all samples, and before a simulated backend. */
@Timeout(60)
class GradientLimitModelTest {
    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1000 * MILLI;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    /** As its documentation says, with all samples kept. */
    private static final class Model {
        private final ResilienceConfig.Concurrency config;
        double limit;
        int inFlight;
        int peak;
        double least;
        boolean probing;
        private boolean refused;
        private long windowSince;
        private long since;
        private long probeSince;
        private final List<Double> samples = new ArrayList<>();
        private final List<Double> means = new ArrayList<>();

        Model(ResilienceConfig.Concurrency config) {
            this.config = config;
            this.limit = Math.clamp(100, config.minimum(), config.maximum());
        }

        int now() {
            return probing ? config.minimum() : (int) limit;
        }

        boolean take() {
            if (inFlight >= now()) {
                refused = true;
                return false;
            }
            peak = Math.max(peak, ++inFlight);
            return true;
        }

        void ended(long began, long now) {
            inFlight--;
            if (probing && began < probeSince) {
                return;
            }
            samples.add((double) Math.clamp((now - began) / 1000, 1, (1 << 22) - 1) * 1000);
            boolean due = probing
                    ? samples.size() >= 20 || now - probeSince >= SECOND
                    : samples.size() >= 10 && now - windowSince >= 100 * MILLI;
            if (!due) {
                return;
            }
            double mean = samples.stream().mapToDouble(each -> each).average().orElseThrow();
            int most = peak;
            peak = inFlight;
            samples.clear();
            windowSince = now;
            if (probing) {
                measured(mean, now);
                probing = false;
                refused = false;
                return;
            }
            means.add(mean);
            if (least == 0 || mean <= least) {
                measured(mean, now);
            } else if (now - since >= config.minLatencyNanos()) {
                if (refused) {
                    probing = true;
                    probeSince = now;
                    return;
                }
                measured(means.stream().mapToDouble(each -> each).min().orElseThrow(), now);
            }
            double gradient = Math.clamp((least * config.tolerancePercent() / 100 + MILLI) / mean, 0.5, 1);
            double next = limit * gradient + Math.sqrt(limit);
            if (next <= limit || most >= limit / 2) {
                limit = Math.clamp(next, config.minimum(), config.maximum());
            }
        }

        private void measured(double latency, long now) {
            least = latency;
            since = now;
            means.clear();
            refused = false;
        }
    }

    @Test
    void itIsTheLimitOfOneThatKeepsAllSamples() {
        int probes = 0;
        for (int round = 0; round < 100; round++) {
            int minimum = 1 + random.nextInt(10);
            ResilienceConfig.Concurrency config = new ResilienceConfig.Concurrency(
                    minimum, minimum + random.nextInt(200), 100 + random.nextInt(200), 1 + random.nextLong(3 * SECOND));
            long origin = random.nextLong() >> 2;
            GradientLimit limit = new GradientLimit(config, origin);
            Model model = new Model(config);
            Deque<Long> calls = new ArrayDeque<>();
            long now = 0;
            int load = 1 + random.nextInt(150);
            for (int i = 0; i < 3000; i++) {
                now += random.nextLong(2 * MILLI);
                if (random.nextInt(200) == 0) {
                    load = 1 + random.nextInt(150);
                }
                String what = "seed %d, round %d, step %d: %s".formatted(seed, round, i, config);
                if (calls.size() < load && random.nextInt(3) > 0) {
                    boolean passes = model.take();
                    assertThat(limit.take()).as(what).isEqualTo(passes);
                    if (passes) {
                        calls.add(now);
                    }
                } else if (!calls.isEmpty()) {
                    long began = random.nextBoolean() ? calls.removeFirst() : calls.removeLast();
                    if (random.nextInt(20) == 0) {
                        limit.dropped();
                        model.inFlight--;
                    } else {
                        limit.ended(origin + began, origin + now);
                        model.ended(began, now);
                    }
                }
                assertThat(limit.limit()).as(what).isEqualTo(model.now());
                assertThat(limit.inFlight()).as(what).isEqualTo(model.inFlight);
                assertThat(limit.leastNanos())
                        .as(what)
                        .isCloseTo((long) model.least, org.assertj.core.data.Offset.offset(1L));
                probes += model.probing ? 1 : 0;
            }
        }
        assertThat(probes).as("seed %d", seed).isPositive();
    }

    /** A backend with some workers, in front of which calls queue, and clients that ask for more than it can do. */
    private static final class Simulation {
        private record Working(long end, long began) {}

        private final GradientLimit limit;
        private final PriorityQueue<Working> working = new PriorityQueue<>((a, b) -> Long.compare(a.end, b.end));
        private final Deque<Long> queue = new ArrayDeque<>();
        private final int workers;
        long serviceNanos;
        private long now;
        int refused;
        int done;
        long latencies;

        Simulation(GradientLimit limit, int workers, long serviceNanos) {
            this.limit = limit;
            this.workers = workers;
            this.serviceNanos = serviceNanos;
        }

        /** Calls come at an even rate for a time. */
        void run(long nanos, long everyNanos) {
            refused = 0;
            done = 0;
            latencies = 0;
            for (long end = now + nanos; now < end; now += everyNanos) {
                while (!working.isEmpty() && working.peek().end <= now) {
                    Working ending = working.remove();
                    limit.ended(ending.began, ending.end);
                    done++;
                    latencies += ending.end - ending.began;
                    if (!queue.isEmpty()) {
                        working.add(new Working(ending.end + serviceNanos, queue.remove()));
                    }
                }
                if (!limit.take()) {
                    refused++;
                } else if (working.size() < workers) {
                    working.add(new Working(now + serviceNanos, now));
                } else {
                    queue.add(now);
                }
            }
        }

        double meanMillis() {
            return (double) latencies / done / MILLI;
        }
    }

    @Test
    void anOverloadedBackendKeepsAShortQueueAndWorksAsMuchAsItCan() {
        GradientLimit limit = new GradientLimit(new ResilienceConfig.Concurrency(3, 1000, 150, 10 * SECOND), 0);
        Simulation backend = new Simulation(limit, 10, 50 * MILLI);
        // Half of the 200 calls a second that it can do.
        backend.run(10 * SECOND, 10 * MILLI);
        assertThat(backend.refused).isZero();
        assertThat(limit.leastNanos()).isBetween(50 * MILLI, 51 * MILLI);
        // Four times as many as it can do.
        backend.run(10 * SECOND, 1_250_000);
        backend.run(60 * SECOND, 1_250_000);
        assertThat(limit.limit()).isBetween(10, 40);
        assertThat(backend.meanMillis())
                .as("latency, without a limit it would be minutes")
                .isBetween(50.0, 150.0);
        assertThat(backend.done).as("of 12,000 that it can do").isBetween(11_000, 12_010);
        assertThat(limit.leastNanos())
                .as("the queue is not taken for the backend")
                .isLessThan(65 * MILLI);
        // Back to half.
        backend.run(2 * SECOND, 10 * MILLI);
        backend.run(20 * SECOND, 10 * MILLI);
        assertThat(backend.refused).isZero();
    }

    @Test
    void aBackendThatBecomesSlowerForGoodIsGivenWhatItNeeds() {
        GradientLimit limit = new GradientLimit(new ResilienceConfig.Concurrency(5, 1000, 150, 5 * SECOND), 0);
        Simulation backend = new Simulation(limit, 1000, 10 * MILLI);
        backend.run(5 * SECOND, MILLI);
        assertThat(backend.refused).isZero();
        backend.serviceNanos = 60 * MILLI;
        backend.run(20 * SECOND, MILLI);
        backend.run(10 * SECOND, MILLI);
        assertThat(backend.refused).as("60 at one time are needed, and go").isZero();
        assertThat(limit.leastNanos()).isGreaterThan(59 * MILLI);
    }

    @Test
    void manyThreadsAreNeverMoreThanTheLimitAndAllGoAgain() throws Exception {
        GradientLimit limit = new GradientLimit(new ResilienceConfig.Concurrency(3, 8, 150, SECOND), 0);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Threads.run(12, number -> {
            Random own = new Random(seed + number);
            for (int i = 0; i < 20_000; i++) {
                if (limit.take()) {
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    inside.decrementAndGet();
                    long now = i * 100_000L;
                    if (own.nextInt(10) == 0) {
                        limit.dropped();
                    } else {
                        limit.ended(now - own.nextLong(10 * MILLI), now);
                    }
                }
            }
        });
        assertThat(most.get()).as("seed %d", seed).isBetween(1, 8);
        assertThat(limit.inFlight()).isZero();
        assertThat(limit.limit()).isBetween(3, 8);
        assertThatThrownBy(limit::dropped).isInstanceOf(IllegalStateException.class);
        assertThat(limit.inFlight()).isZero();
    }
}
