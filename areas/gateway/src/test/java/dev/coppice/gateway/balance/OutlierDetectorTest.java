package dev.coppice.gateway.balance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BalanceConfig.SlowStart;
import dev.coppice.gateway.config.OutlierConfig;
import dev.coppice.gateway.config.OutlierConfig.SuccessRate;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Outliers, health checks and slow starts, each by itself. */
class OutlierDetectorTest {
    private static final long SECOND = 1_000_000_000L;

    private final List<String> told = new ArrayList<>();
    private List<OutlierDetector.Endpoint> endpoints = List.of();
    private long now = -5 * SECOND;

    private OutlierDetector detector(OutlierConfig config, int size) {
        OutlierDetector detector = new OutlierDetector(config, new OutlierDetector.Listener() {
            @Override
            public void ejected(OutlierDetector.Endpoint endpoint, OutlierDetector.Reason reason) {
                told.add(endpoints.indexOf(endpoint) + " " + reason.word);
            }

            @Override
            public void spared(OutlierDetector.Endpoint endpoint) {
                told.add(endpoints.indexOf(endpoint) + " spared");
            }
        });
        endpoints = IntStream.range(0, size).mapToObj(_ -> detector.endpoint()).toList();
        detector.watch(endpoints);
        detector.sweep(now);
        return detector;
    }

    private static OutlierConfig config(int errors, int gatewayFailures, SuccessRate rate, int percent) {
        return new OutlierConfig(errors, gatewayFailures, rate, 10 * SECOND, 30 * SECOND, 100 * SECOND, percent);
    }

    private void answers(int endpoint, int code, int times) {
        for (int i = 0; i < times; i++) {
            endpoints.get(endpoint).answered(code, now);
        }
    }

    @Test
    void failuresOneAfterTheOtherPutItOut() {
        detector(config(5, 0, null, 50), 4);
        answers(0, 500, 4);
        answers(0, 200, 1);
        answers(0, 503, 4);
        assertThat(endpoints.get(0).ejected()).isFalse();
        endpoints.get(0).failed(now);
        assertThat(endpoints.get(0).ejected()).isTrue();
        answers(0, 500, 10);
        assertThat(told).containsExactly("0 consecutive-5xx");
    }

    @Test
    void gatewayFailuresAreCountedByThemselves() {
        detector(config(0, 3, null, 50), 4);
        answers(0, 500, 20);
        answers(0, 502, 2);
        answers(0, 500, 1);
        answers(0, 504, 2);
        assertThat(told).isEmpty();
        endpoints.get(0).failed(now);
        assertThat(told).containsExactly("0 consecutive-gateway-failures");
    }

    @Test
    void itIsOutLongerEachTimeAndLessLongAfterItBehaved() {
        OutlierDetector detector = detector(config(1, 0, null, 50), 4);
        long[] times = {30, 60, 90, 100};
        for (long seconds : times) {
            answers(0, 500, 1);
            assertThat(endpoints.get(0).ejected()).isTrue();
            now += seconds * SECOND - 1;
            assertThat(detector.sweep(now)).isFalse();
            now += 1;
            assertThat(detector.sweep(now)).isTrue();
            assertThat(endpoints.get(0).ejected()).isFalse();
        }
        // Four intervals without.
        for (int i = 0; i < 4; i++) {
            now += 10 * SECOND;
            detector.sweep(now);
        }
        answers(0, 500, 1);
        now += 30 * SECOND;
        assertThat(detector.sweep(now)).isTrue();
    }

    @Test
    void notTooManyAreOutAtOneTime() {
        OutlierDetector detector = detector(config(1, 0, null, 30), 10);
        for (int i = 0; i < 5; i++) {
            answers(i, 500, 1);
        }
        assertThat(told)
                .containsExactly("0 consecutive-5xx", "1 consecutive-5xx", "2 consecutive-5xx", "3 spared", "4 spared");
        now += 30 * SECOND;
        assertThat(detector.sweep(now)).isTrue();
        answers(4, 500, 1);
        assertThat(endpoints.get(4).ejected()).isTrue();
    }

    @Test
    void oneOfSeveralMayBeOutAndNeverTheOnlyOne() {
        detector(config(1, 0, null, 10), 2);
        answers(1, 500, 1);
        assertThat(endpoints.get(1).ejected()).isTrue();
        detector(config(1, 0, null, 100), 1);
        answers(0, 500, 3);
        assertThat(endpoints.get(0).ejected()).isFalse();
    }

    @Test
    void oneThatGoesMakesRoomForOthers() {
        OutlierDetector detector = detector(config(1, 0, null, 10), 3);
        answers(0, 500, 1);
        answers(1, 500, 1);
        assertThat(endpoints.get(1).ejected()).isFalse();
        detector.watch(endpoints.subList(1, 3));
        answers(1, 500, 1);
        assertThat(endpoints.get(1).ejected()).isTrue();
    }

    @Test
    void aRateFarBelowTheOthersPutsItOut() {
        OutlierDetector detector = detector(config(0, 0, new SuccessRate(5, 100, 1.9), 50), 10);
        for (int i = 0; i < 10; i++) {
            for (int k = 0; k < 100; k++) {
                answers(i, k < (i == 3 ? 60 : 98) ? 200 : 500, 1);
            }
        }
        now += 9 * SECOND;
        detector.sweep(now);
        assertThat(told).isEmpty();
        now += SECOND;
        detector.sweep(now);
        assertThat(told).containsExactly("3 success-rate");
        // They count anew: too few requests to compare.
        now += 10 * SECOND;
        answers(5, 500, 99);
        detector.sweep(now);
        assertThat(told).hasSize(1);
    }

    /** Mean 0.9, deviation 0.1: Envoy's example of a factor of 1.9. */
    @Test
    void theThresholdIsTheMeanLessSoManyDeviations() {
        assertThat(OutlierDetector.threshold(List.of(0.8, 1.0), 1.9)).isCloseTo(0.71, Offset.offset(1e-9));
        assertThat(OutlierDetector.threshold(List.of(1.0, 1.0, 1.0), 1.9)).isEqualTo(1.0);
    }

    @Test
    void manyThreadsPutOutNoMoreThanMayBe() throws Exception {
        long seed = System.nanoTime();
        detector(config(3, 2, null, 40), 20);
        List<Thread> threads = new ArrayList<>();
        CountDownLatch go = new CountDownLatch(1);
        List<OutlierDetector.Endpoint> all = endpoints;
        for (int i = 0; i < 4; i++) {
            Random random = new Random(seed + i);
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                for (int k = 0; k < 50_000; k++) {
                    all.get(random.nextInt(20)).answered(random.nextInt(4) == 0 ? 200 : 503, 0);
                }
            }));
        }
        go.countDown();
        for (Thread each : threads) {
            each.join();
        }
        assertThat(all.stream().filter(OutlierDetector.Endpoint::ejected))
                .as("seed " + seed)
                .hasSize(8);
    }

    @Test
    void someChecksHaveToSayTheSame() {
        Health health = new Health();
        assertThat(health.healthy()).isTrue();
        assertThat(health.checked(false, 3, 2)).isFalse();
        assertThat(health.checked(false, 3, 2)).isFalse();
        assertThat(health.checked(true, 3, 2)).isFalse();
        assertThat(health.checked(false, 3, 2)).isFalse();
        assertThat(health.checked(false, 3, 2)).isFalse();
        assertThat(health.checked(false, 3, 2)).isTrue();
        assertThat(health.healthy()).isFalse();
        assertThat(health.checked(true, 3, 2)).isFalse();
        assertThat(health.checked(true, 3, 2)).isTrue();
        assertThat(health.healthy()).isTrue();
        assertThat(health.checked(false, 1, 1)).isTrue();
        health.forget();
        assertThat(health.healthy()).isTrue();
    }

    @Test
    void aShareGrowsOverItsWindow() {
        SlowStart even = new SlowStart(60 * SECOND, 1, 0.1);
        assertThat(SlowStarts.part(even, -1)).isEqualTo(0.1);
        assertThat(SlowStarts.part(even, 0)).isEqualTo(0.1);
        assertThat(SlowStarts.part(even, 30 * SECOND)).isEqualTo(0.5);
        assertThat(SlowStarts.part(even, 60 * SECOND)).isEqualTo(1);
        assertThat(SlowStarts.part(even, 90 * SECOND)).isEqualTo(1);
        SlowStart quick = new SlowStart(60 * SECOND, 2, 0.1);
        SlowStart slow = new SlowStart(60 * SECOND, 0.5, 0.1);
        assertThat(SlowStarts.part(quick, 15 * SECOND)).isEqualTo(0.5);
        assertThat(SlowStarts.part(slow, 30 * SECOND)).isEqualTo(0.25);
    }
}
