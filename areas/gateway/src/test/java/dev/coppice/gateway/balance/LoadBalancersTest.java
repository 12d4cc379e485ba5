package dev.coppice.gateway.balance;

import static dev.coppice.gateway.balance.Choosing.even;
import static dev.coppice.gateway.balance.Choosing.members;
import static dev.coppice.gateway.balance.Choosing.plan;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What all load balancers do, and what each does. */
class LoadBalancersTest {
    private final Choosing choosing = new Choosing();

    static List<String> names() {
        return LoadBalancers.names().stream()
                .filter(each -> !each.equals(BrokenOne.NAME))
                .toList();
    }

    @Test
    void thereAreThoseThatAreDocumentedAndThoseThatProvidersBring() {
        assertThat(names())
                .containsExactly("LeastRequest", "Maglev", "PeakEwma", "Random", "RingHash", "RoundRobin", "TestLast");
        assertThat(LoadBalancers.named("Fastest")).isNull();
        Plan plan = plan("TestLast", members(even(7)));
        assertThat(choosing.choose(plan)).isEqualTo(6);
    }

    @ParameterizedTest
    @MethodSource("names")
    void oneIsAlwaysChosenAndNotAnExcludedOneUnlessThereIsNoOther(String name) {
        for (int size = 1; size <= 20; size++) {
            double[] weights = even(size);
            for (int i = 0; i < size; i++) {
                weights[i] = choosing.random.nextBoolean() ? 1 : 1 + choosing.random.nextInt(5);
            }
            Plan plan = plan(name, members(weights));
            for (int i = 0; i < 200; i++) {
                int unwanted = choosing.random.nextInt(size);
                int chosen = choosing.choose(plan, choosing.random.nextLong(), unwanted);
                assertThat(chosen).as(choosing.told()).isBetween(0, size - 1);
                if (size > 1) {
                    assertThat(chosen).as(choosing.told()).isNotEqualTo(unwanted);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"RoundRobin", "Random", "LeastRequest", "PeakEwma", "RingHash", "Maglev"})
    void eachGetsWhatItsWeightSays(String name) {
        double[] weights = {1, 2, 3, 4};
        int[] counts = choosing.counts(plan(name, members(weights)), 4, 100_000);
        // A ring's shares are those of its places, which are random: 128 of each have a deviation of a tenth.
        Percentage off = Percentage.withPercentage(name.equals("RingHash") ? 40 : 5);
        for (int i = 0; i < 4; i++) {
            assertThat((double) counts[i])
                    .as("%s, endpoint %s, %s", name, i, choosing.told())
                    .isCloseTo(weights[i] * 10_000, off);
        }
    }

    @Test
    void turnsAreTakenEvenly() {
        Plan plan = plan("RoundRobin", members(even(5)));
        List<Integer> order = new ArrayList<>();
        for (int turn = 0; turn < 10; turn++) {
            order.add(plan.choose(choosing.pick.with(turn, 0, -1)));
        }
        assertThat(order).containsExactly(0, 1, 2, 3, 4, 0, 1, 2, 3, 4);
        assertThat(plan.choose(choosing.pick.with(Integer.MAX_VALUE, 0, -1))).isBetween(0, 4);
    }

    @Test
    void weightedTurnsAreSpreadAndNotInARow() {
        Plan plan = plan("RoundRobin", members(5, 1, 1));
        List<Integer> order = new ArrayList<>();
        int longest = 0;
        int row = 0;
        for (int turn = 0; turn < 70; turn++) {
            int chosen = plan.choose(choosing.pick.with(turn, 0, -1));
            row = chosen == 0 ? row + 1 : 0;
            longest = Math.max(longest, row);
            order.add(chosen);
        }
        assertThat(order.subList(0, 7)).containsExactlyInAnyOrder(0, 0, 0, 0, 0, 1, 2);
        assertThat(order.subList(7, 14)).isEqualTo(order.subList(0, 7));
        assertThat(longest).isLessThanOrEqualTo(5);
    }

    @Test
    void aScheduleIsCloseToWeightsThatAreNoMultiples() {
        double[] weights = {1, Math.PI, Math.E, 0.001};
        Endpoints endpoints = new Endpoints(members(weights));
        Schedule schedule = Schedule.of(endpoints);
        int[] counts = new int[4];
        for (int i = 0; i < schedule.length(); i++) {
            counts[schedule.at(i)]++;
        }
        double sum = 1 + Math.PI + Math.E + 0.001;
        for (int i = 0; i < 4; i++) {
            assertThat(counts[i]).isGreaterThanOrEqualTo(1);
            assertThat((double) counts[i] / schedule.length())
                    .isCloseTo(weights[i] / sum, org.assertj.core.data.Offset.offset(0.002));
        }
    }

    /** Balls into bins: with one choice the fullest has far more than the average, with two it has hardly more. */
    @Test
    void twoChoicesKeepTheHighestLoadNearTheAverage() {
        int size = 100;
        int most = Integer.MAX_VALUE;
        for (String name : List.of("Random", "LeastRequest")) {
            List<Member> members = members(even(size));
            choosing.counts(
                    plan(name, members),
                    size,
                    size * 10,
                    each -> members.get(each).load().begin());
            int fullest = members.stream()
                    .mapToInt(each -> each.load().inFlight())
                    .max()
                    .orElse(0);
            assertThat(fullest).as(name + ", " + choosing.told()).isLessThan(most);
            most = fullest;
        }
        assertThat(most).as(choosing.told()).isLessThanOrEqualTo(14);
    }

    @Test
    void theLessLoadedOfTwoIsChosen() {
        List<Member> two = members(1, 1);
        for (int i = 0; i < 5; i++) {
            two.get(0).load().begin();
        }
        assertThat(choosing.counts(plan("LeastRequest", two), 2, 1000)).containsExactly(0, 1000);
        for (int i = 0; i < 5; i++) {
            two.get(0).load().end();
        }
        assertThat(two.get(0).load().inFlight()).isZero();
        assertThat(choosing.counts(plan("LeastRequest", two), 2, 1000)[0]).isBetween(300, 700);
    }

    @Test
    void loadIsForItsWeight() {
        List<Member> two = members(1, 4);
        two.get(0).load().begin();
        for (int i = 0; i < 3; i++) {
            two.get(1).load().begin();
        }
        // Three for a weight of four are less than one for one.
        assertThat(choosing.counts(plan("LeastRequest", two), 2, 1000)).containsExactly(0, 1000);
    }

    @Test
    void theFasterOneIsChosenUntilItHasMoreToDo() {
        List<Member> two = members(1, 1);
        long decay = 10_000_000_000L;
        two.get(0).load().observe(choosing.now, 100_000_000, decay);
        two.get(1).load().observe(choosing.now, 10_000_000, decay);
        Plan plan = plan("PeakEwma", two);
        assertThat(choosing.counts(plan, 2, 1000)).containsExactly(0, 1000);
        for (int i = 0; i < 15; i++) {
            two.get(1).load().begin();
        }
        assertThat(choosing.counts(plan, 2, 1000)).containsExactly(1000, 0);
    }

    @Test
    void nobodyRushesToOneOfWhichNothingIsKnown() {
        List<Member> two = members(1, 1);
        two.get(0).load().observe(choosing.now, 50_000_000, 10_000_000_000L);
        Plan plan = plan("PeakEwma", two);
        assertThat(choosing.choose(plan)).isEqualTo(1);
        two.get(1).load().begin();
        assertThat(choosing.counts(plan, 2, 100)).containsExactly(100, 0);
    }

    @Test
    void aSlowAnswerCountsAtOnceAndIsForgottenInTime() {
        EndpointLoad load = new EndpointLoad();
        long decay = 1_000_000_000L;
        long now = 5_000_000_000L;
        assertThat(load.latency(now, decay)).isZero();
        load.observe(now, 1_000_000, decay);
        load.observe(now, 80_000_000, decay);
        assertThat(load.latency(now, decay)).isCloseTo(80e6, Percentage.withPercentage(0.1));
        assertThat(load.latency(now + decay, decay)).isCloseTo(80e6 / Math.E, Percentage.withPercentage(0.1));
        load.observe(now + decay, 1_000_000, decay);
        assertThat(load.latency(now + decay, decay))
                .isCloseTo(80e6 / Math.E + 1e6 * (1 - 1 / Math.E), Percentage.withPercentage(0.1));
        // The clock of another thread was read before.
        assertThat(load.latency(now + decay - 1_000_000, decay)).isPositive();
    }

    @Test
    void countsOfManyThreadsAddUp() throws Exception {
        EndpointLoad load = new EndpointLoad();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                for (int k = 0; k < 100_000; k++) {
                    load.begin();
                    load.observe(k, k, 1_000_000);
                    if (k % 2 == 0) {
                        load.end();
                    }
                }
            }));
        }
        for (Thread each : threads) {
            each.join();
        }
        assertThat(load.inFlight()).isEqualTo(200_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void aKeyStaysAndFewOthersMoveWhenAnEndpointGoes(String name) {
        int size = 20;
        int gone = choosing.random.nextInt(size);
        List<Member> all = members(even(size));
        Plan before = plan(name, all);
        List<Member> fewer = new ArrayList<>(all);
        fewer.remove(gone);
        Plan after = plan(name, fewer);
        int keys = 20_000;
        int moved = 0;
        int had = 0;
        for (int i = 0; i < keys; i++) {
            long hash = choosing.random.nextLong();
            int first = choosing.choose(before, hash, -1);
            assertThat(choosing.choose(before, hash, -1)).isEqualTo(first);
            int second = choosing.choose(after, hash, -1);
            int secondBefore = second < gone ? second : second + 1;
            if (first == gone) {
                had++;
            } else if (secondBefore != first) {
                moved++;
            }
        }
        assertThat(had).as(choosing.told()).isBetween(keys / size / 2, keys / size * 2);
        if (name.equals("RingHash")) {
            assertThat(moved).as(choosing.told()).isZero();
        } else {
            // Section 5.3 of the paper: a few of a hundred with a table of 65537.
            assertThat(moved).as(choosing.told()).isLessThan(keys / 20);
        }
    }

    @Test
    void maglevSharesAreAllButEven() {
        int size = 50;
        Maglev maglev = new Maglev(new Endpoints(members(even(size))), 65_537);
        int[] counts = new int[size];
        for (long hash = 0; hash < 65_537; hash++) {
            counts[maglev.choose(choosing.pick.with(0, hash, -1))]++;
        }
        for (int count : counts) {
            assertThat(count).isBetween(65_537 / size, 65_537 / size + 1);
        }
    }

    @Test
    void aRingHasNoMorePlacesThanItsBound() {
        assertThat(new RingHash(new Endpoints(members(even(3))), 0).places()).isBetween(1024, 1027);
        assertThat(new RingHash(new Endpoints(members(even(100))), 64).places()).isEqualTo(100);
        assertThat(new RingHash(new Endpoints(members(even(5000))), 1 << 20).places())
                .isLessThanOrEqualTo(RingHash.MOST_PLACES);
        assertThat(new RingHash(new Endpoints(members(even(10_000))), 0).places())
                .isBetween(1 << 18, (1 << 18) + 10_000);
    }

    /** Gateways that know the same endpoints send a key to the same one: places do not depend on the process. */
    @Test
    void placesAreTheSameEverywhere() {
        assertThat(new Places().of("user-1")).isEqualTo(new Places().of("user-1"));
        assertThat(new Places().of("user-1")).isNotEqualTo(new Places().of("user-2"));
        assertThat(new Places().of("10.0.0.1:80", 3)).isEqualTo(new Places().of("10.0.0.1:80", 3));
    }
}
