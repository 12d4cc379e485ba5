package dev.coppice.gateway.balance;

import static dev.coppice.gateway.balance.Choosing.config;
import static dev.coppice.gateway.balance.Choosing.even;
import static dev.coppice.gateway.balance.Choosing.members;
import static dev.coppice.gateway.balance.Choosing.plan;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Consistent hashing with bounded loads. */
class BoundedLoadsTest {
    private final Choosing choosing = new Choosing();

    private static Plan bounded(String algorithm, List<Member> members, int percent) {
        return plan(config(algorithm, 0).withBalanceFactor(percent), members);
    }

    private static int sum(List<Member> members) {
        return members.stream().mapToInt(each -> each.load().inFlight()).sum();
    }

    /** Whether an endpoint that was just chosen has no more than it may have of all that are on their way. */
    private void assertBounded(List<Member> members, int chosen, int percent) {
        double weights = members.stream().mapToDouble(Member::weight).sum();
        double most = Math.ceil(percent / 100.0 * members.get(chosen).weight() / weights * sum(members) - 1e-9);
        assertThat(members.get(chosen).load().inFlight())
                .as("%s of %s, %s", chosen, members.size(), choosing.told())
                .isLessThanOrEqualTo((int) most);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void noEndpointGetsMoreThanItsShareTimesTheFactor(String algorithm) {
        for (int run = 0; run < 40; run++) {
            double[] weights = even(1 + choosing.random.nextInt(BoundedLoads.COUNTED));
            for (int i = 0; i < weights.length; i++) {
                weights[i] = run % 2 == 0 ? 1 : 1 + choosing.random.nextInt(9);
            }
            int percent = 105 + choosing.random.nextInt(run % 3 == 0 ? 20 : 300);
            List<Member> members = members(weights);
            Plan plan = bounded(algorithm, members, percent);
            List<Integer> onTheirWay = new ArrayList<>();
            // A few keys have all the requests.
            long[] keys = choosing.random.longs(1 + choosing.random.nextInt(20)).toArray();
            for (int i = 0; i < 2000; i++) {
                if (!onTheirWay.isEmpty() && choosing.random.nextInt(5) < 2) {
                    int over = onTheirWay.remove(choosing.random.nextInt(onTheirWay.size()));
                    members.get(over).load().end();
                } else {
                    int chosen = choosing.choose(plan, keys[choosing.random.nextInt(keys.length)], -1);
                    members.get(chosen).load().begin();
                    onTheirWay.add(chosen);
                    assertBounded(members, chosen, percent);
                }
            }
        }
    }

    /** They are not all counted with each choice. */
    @ParameterizedTest
    @ValueSource(ints = {33, 64, 1000})
    void noneOfManyGetsMoreEither(int size) {
        List<Member> members = members(even(size));
        Plan plan = bounded("RingHash", members, 110);
        for (int i = 0; i < 10 * size; i++) {
            int chosen = choosing.choose(plan, i % 7, -1);
            members.get(chosen).load().begin();
            assertBounded(members, chosen, 110);
        }
        members.forEach(each -> {
            while (each.load().inFlight() > 0) {
                each.load().end();
            }
        });
        // What it knows of is all gone, which it finds out in time.
        for (int i = 0; i < size; i++) {
            members.get(choosing.choose(plan, i % 7, -1)).load().begin();
        }
        assertThat(members.stream()
                        .mapToInt(each -> each.load().inFlight())
                        .max()
                        .orElse(0))
                .isLessThan(size / 7 + 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void keysStayWhereTheyBelongWhileThereIsRoom(String algorithm) {
        List<Member> members = members(1, 2, 1, 5, 1);
        Plan free = plan(algorithm, members);
        Plan plan = bounded(algorithm, members, 105);
        for (int i = 0; i < 1000; i++) {
            long key = choosing.random.nextLong();
            assertThat(choosing.choose(plan, key, -1)).as(choosing.told()).isEqualTo(choosing.choose(free, key, -1));
            assertThat(choosing.pick.passedOver()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void theKeysOfOneThatIsFullGoToAllOthersAndEachAlwaysToTheSame(String algorithm) {
        List<Member> members = members(even(8));
        Plan free = plan(algorithm, members);
        Plan plan = bounded(algorithm, members, 125);
        for (int i = 0; i < 100; i++) {
            members.get(3).load().begin();
        }
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            long key = choosing.random.nextLong();
            int chosen = choosing.choose(plan, key, -1);
            boolean full = choosing.choose(free, key, -1) == 3;
            assertThat(choosing.choose(plan, key, -1)).isEqualTo(chosen).isNotEqualTo(3);
            assertThat(choosing.pick.passedOver()).isEqualTo(full);
            if (full) {
                taken.add(chosen);
            }
        }
        assertThat(taken).as(choosing.told()).containsExactlyInAnyOrder(0, 1, 2, 4, 5, 6, 7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void oneThatIsNotWantedIsNotChosenWhateverTheOthersHave(String algorithm) {
        List<Member> members = members(even(2));
        Plan free = plan(algorithm, members);
        Plan plan = bounded(algorithm, members, 105);
        for (int i = 0; i < 50; i++) {
            members.get(1).load().begin();
            assertThat(choosing.choose(plan, i, 0)).isEqualTo(1);
            boolean passedOver = choosing.pick.passedOver();
            if (choosing.choose(free, i, -1) == 0) {
                // Not for what it has to do.
                assertThat(passedOver).isFalse();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"RingHash", "Maglev"})
    void eachPriorityHasABoundOfItsOwn(String algorithm) {
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            members.add(new Member("10.0.0." + i + ":80", i / 4, 1, i != 0 && i != 1, new EndpointLoad()));
        }
        Plan plan = bounded(algorithm, members, 120);
        for (int i = 0; i < 500; i++) {
            int chosen = choosing.choose(plan, choosing.random.nextInt(6) * 0x1234_5678_9ABCL, -1);
            members.get(chosen).load().begin();
            List<Member> level = chosen < 4 ? members.subList(2, 4) : members.subList(4, 8);
            assertBounded(level, chosen < 4 ? chosen - 2 : chosen - 4, 120);
        }
    }
}
