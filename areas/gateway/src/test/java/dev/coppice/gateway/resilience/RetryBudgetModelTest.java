package dev.coppice.gateway.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ResilienceConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A retry budget beside a list of all requests there ever were. */
@Timeout(60)
class RetryBudgetModelTest {
    private static final long SECOND = 1_000_000_000;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private record Sent(long at, boolean retry) {}

    /** Those of the tenths of the time span that are not over yet. */
    private static long count(List<Sent> all, long now, long span, boolean retriesOnly) {
        long step = Math.max(1, Math.ceilDiv(span, 10));
        return all.stream()
                .filter(each -> now / step - each.at / step < 10)
                .filter(each -> each.retry || !retriesOnly)
                .count();
    }

    @Test
    void itAllowsTheShareOfTheWindowAndTheLeastNumber() {
        for (int round = 0; round < 200; round++) {
            int percent = random.nextInt(101);
            long interval = 1 + random.nextLong(20 * SECOND);
            int least = random.nextInt(5);
            long leastInterval = 1 + random.nextLong(2 * SECOND);
            long origin = random.nextLong() >> 2;
            RetryBudget budget =
                    new RetryBudget(new ResilienceConfig.RetryBudget(percent, interval, least, leastInterval), origin);
            List<Sent> all = new ArrayList<>();
            long now = 0;
            for (int i = 0; i < 300; i++) {
                now += random.nextLong(interval / 20 + 1) * (random.nextInt(20) == 0 ? 10 : 1);
                String what = "seed %d, round %d, step %d".formatted(seed, round, i);
                if (random.nextBoolean()) {
                    budget.request(origin + now);
                    all.add(new Sent(now, false));
                } else {
                    long retries = count(all, now, interval, true) + 1;
                    long requests = count(all, now, interval, false) + 1;
                    boolean allowed =
                            retries * 100 <= requests * percent || count(all, now, leastInterval, true) < least;
                    assertThat(budget.retry(origin + now)).as(what).isEqualTo(allowed);
                    if (allowed) {
                        all.add(new Sent(now, true));
                    }
                }
                assertThat(budget.requests(origin + now)).as(what).isEqualTo((int) count(all, now, interval, false));
                assertThat(budget.retries(origin + now)).as(what).isEqualTo((int) count(all, now, interval, true));
            }
        }
    }

    @Test
    void manyThreadsNeverGetMoreThanThereIs() throws Exception {
        for (int round = 0; round < 20; round++) {
            RetryBudget budget = new RetryBudget(new ResilienceConfig.RetryBudget(20, 10 * SECOND, 10, SECOND), 0);
            for (int i = 0; i < 1000; i++) {
                budget.request(SECOND);
            }
            AtomicInteger allowed = new AtomicInteger();
            Threads.run(4, _ -> {
                for (int i = 0; i < 500; i++) {
                    if (budget.retry(SECOND)) {
                        allowed.incrementAndGet();
                    }
                }
            });
            // A fifth of all, these included.
            assertThat(allowed.get()).isBetween(200, 250);
            while (budget.retry(SECOND)) {
                allowed.incrementAndGet();
            }
            assertThat(allowed.get()).isEqualTo(250);
            assertThat(budget.retries(SECOND)).isEqualTo(250);
            assertThat(budget.requests(SECOND)).isEqualTo(1250);
        }
    }
}
