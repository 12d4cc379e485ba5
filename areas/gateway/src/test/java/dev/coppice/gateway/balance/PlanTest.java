package dev.coppice.gateway.balance;

import static dev.coppice.gateway.balance.Choosing.config;
import static dev.coppice.gateway.balance.Choosing.plan;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BalanceConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How load is spread over priorities, and what panic does. */
class PlanTest {
    private final Choosing choosing = new Choosing();

    private static List<Member> members(int near, int nearHealthy, int far, int farHealthy) {
        List<Member> all = new ArrayList<>();
        for (int i = 0; i < near; i++) {
            all.add(new Member("10.0.0." + i + ":80", 0, 1, i < nearHealthy, new EndpointLoad()));
        }
        for (int i = 0; i < far; i++) {
            all.add(new Member("10.0.1." + i + ":80", 1, 1, i < farHealthy, new EndpointLoad()));
        }
        return all;
    }

    /** The table of Envoy's documentation: percent of healthy endpoints, and of load, of two priorities. */
    @ParameterizedTest
    @CsvSource({
        "100, 100, 100, 0",
        "72, 72, 100, 0",
        "71, 71, 99, 1",
        "50, 50, 70, 30",
        "25, 100, 35, 65",
        "25, 25, 50, 50",
        "0, 100, 0, 100",
        "72, 0, 100, 0",
        "5, 1, 87, 13"
    })
    void loadGoesToWhereItCanBeBorne(int first, int second, int firstLoad, int secondLoad) {
        PriorityLoads loads = PriorityLoads.of(new int[] {first, second}, new int[] {100, 100}, 140, 0);
        // What rounding leaves over goes to the first that bears anything, as there.
        assertThat(loads.percent()[0]).isBetween(firstLoad, firstLoad + 1);
        assertThat(loads.percent()[0] + loads.percent()[1]).isEqualTo(100);
        assertThat(loads.panic()).containsOnly(false);
    }

    @Test
    void percentagesAreWholeAndAddUpToAHundred() {
        for (int i = 0; i < 20_000; i++) {
            int count = 1 + choosing.random.nextInt(4);
            int[] total = new int[count];
            int[] healthy = new int[count];
            for (int k = 0; k < count; k++) {
                total[k] = 1 + choosing.random.nextInt(50);
                healthy[k] = choosing.random.nextInt(total[k] + 1);
            }
            PriorityLoads loads =
                    PriorityLoads.of(healthy, total, 100 + choosing.random.nextInt(200), choosing.random.nextInt(101));
            String of = choosing.told() + " " + Arrays.toString(healthy) + " of " + Arrays.toString(total);
            assertThat(Arrays.stream(loads.percent()).sum()).as(of).isEqualTo(100);
            assertThat(Arrays.stream(loads.percent()).min().orElse(-1)).as(of).isNotNegative();
        }
    }

    @Test
    void theNearZoneTakesAllUntilItCannot() {
        int[] counts = choosing.counts(plan("RoundRobin", members(10, 8, 10, 10)), 20, 10_000);
        assertThat(Arrays.stream(counts, 0, 8).sum()).isEqualTo(10_000);
        // 5 of 10 bear 70 percent.
        counts = choosing.counts(plan("RoundRobin", members(10, 5, 10, 10)), 20, 10_000);
        assertThat(Arrays.stream(counts, 0, 5).sum()).as(choosing.told()).isBetween(6700, 7300);
        assertThat(Arrays.stream(counts, 5, 10).sum()).isZero();
        counts = choosing.counts(plan("RoundRobin", members(10, 0, 10, 10)), 20, 1000);
        assertThat(Arrays.stream(counts, 10, 20).sum()).isEqualTo(1000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void keysStayAtTheirPriority(String name) {
        Plan plan = plan(name, members(10, 5, 10, 10));
        int near = 0;
        for (int i = 0; i < 10_000; i++) {
            long hash = choosing.random.nextLong();
            int first = choosing.choose(plan, hash, -1);
            assertThat(choosing.choose(plan, hash, -1)).isEqualTo(first);
            near += first < 10 ? 1 : 0;
        }
        assertThat(near).as(choosing.told()).isBetween(6700, 7300);
    }

    @Test
    void whenTooFewAreHealthyAllAreUsed() {
        Plan calm = plan("RoundRobin", members(10, 5, 0, 0));
        assertThat(calm.panic()).isFalse();
        assertThat(calm.healthy()).isEqualTo(5);
        assertThat(Arrays.stream(choosing.counts(calm, 10, 1000), 5, 10).sum()).isZero();
        Plan panic = plan("RoundRobin", members(10, 4, 0, 0));
        assertThat(panic.panic()).isTrue();
        assertThat(panic.healthy()).isEqualTo(4);
        assertThat(choosing.counts(panic, 10, 1000)).containsOnly(100);
        assertThat(choosing.counts(plan("RoundRobin", members(4, 0, 0, 0)), 4, 1000))
                .containsOnly(250);
    }

    @Test
    void noPriorityPanicsWhileOthersBearTheLoad() {
        Plan plan = plan("RoundRobin", members(10, 1, 10, 10));
        assertThat(plan.panic()).isFalse();
        assertThat(Arrays.stream(choosing.counts(plan, 20, 1000), 1, 10).sum()).isZero();
    }

    @Test
    void inPanicEverywhereLoadGoesByNumbers() {
        int[] counts = choosing.counts(plan("RoundRobin", members(10, 1, 30, 1)), 40, 10_000);
        assertThat(Arrays.stream(counts, 0, 10).sum()).as(choosing.told()).isBetween(2200, 2800);
        assertThat(counts).doesNotContain(0);
    }

    @Test
    void withoutPanicNothingIsChosenWhenNothingIsHealthy() {
        BalanceConfig base = config("RoundRobin", 0);
        BalanceConfig off = new BalanceConfig(base.algorithm(), 2, base.decayNanos(), 0, List.of(), null, 0, 140);
        assertThat(choosing.choose(plan(off, members(3, 0, 0, 0)))).isEqualTo(Plan.NONE);
        assertThat(choosing.choose(plan(off, members(3, 1, 0, 0)))).isZero();
        assertThat(choosing.choose(plan(off, List.of()))).isEqualTo(Plan.NONE);
    }

    @Test
    void anExcludedOneIsKnownByItsNumberAmongAll() {
        Plan plan = plan("RoundRobin", members(4, 2, 4, 4));
        for (int i = 0; i < 200; i++) {
            assertThat(choosing.choose(plan, choosing.random.nextLong(), 1)).isNotEqualTo(1);
        }
    }
}
