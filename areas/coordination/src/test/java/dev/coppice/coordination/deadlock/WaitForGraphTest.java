package dev.coppice.coordination.deadlock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.coordination.deadlock.WaitForGraph.Wait;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The graph against a simulation of what it decides about, on thousands of random ones. */
final class WaitForGraphTest {
    private static final int ROUNDS = 3_000;

    private static void random(BiConsumer<Random, String> property) {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            property.accept(random, "seed " + seed + ", round " + round);
        }
    }

    private static List<Wait<Integer>> waits(Random random) {
        int activities = random.nextInt(1, 9);
        List<Wait<Integer>> waits = new ArrayList<>();
        int count = random.nextInt(0, 14);
        for (int i = 0; i < count; i++) {
            List<Integer> before = IntStream.range(0, random.nextInt(1, 5))
                    .mapToObj(each -> random.nextInt(activities))
                    .toList();
            waits.add(
                    new Wait<>(random.nextInt(activities), before, random.nextInt(10) < 7 ? 1 : random.nextInt(1, 4)));
        }
        return waits;
    }

    /** Lets everybody go on who can, in any order, until nobody can. */
    private static Set<Integer> simulate(List<Wait<Integer>> waits, Random random) {
        Set<Integer> there = new HashSet<>();
        waits.forEach(wait -> {
            there.add(wait.waiter());
            there.addAll(wait.before());
        });
        while (true) {
            List<Integer> free = there.stream()
                    .filter(each -> waits.stream()
                            .filter(wait -> wait.waiter().equals(each))
                            .allMatch(wait -> wait.before().stream()
                                            .filter(there::contains)
                                            .count()
                                    < wait.permits()))
                    .toList();
            if (free.isEmpty()) {
                return there;
            }
            there.remove(free.get(random.nextInt(free.size())));
        }
    }

    @Test
    void whoIsStuckIsWhoCanNeverGoOnInAnyOrder() {
        random((random, as) -> {
            List<Wait<Integer>> waits = waits(random);
            Set<Integer> stuck = new WaitForGraph<>(waits).stuck();
            for (int order = 0; order < 3; order++) {
                assertThat(stuck).as(as).isEqualTo(simulate(waits, random));
            }
        });
    }

    @Test
    void knotsAreDisjointStuckAndClosed() {
        random((random, as) -> {
            WaitForGraph<Integer> graph = new WaitForGraph<>(waits(random));
            List<Set<Integer>> knots = graph.knots();
            assertThat(knots.isEmpty()).as(as).isEqualTo(graph.stuck().isEmpty());
            Set<Integer> seen = new HashSet<>();
            for (Set<Integer> knot : knots) {
                for (Integer member : knot) {
                    assertThat(seen.add(member)).as(as).isTrue();
                    assertThat(graph.stuck()).as(as).contains(member);
                    assertThat(graph.cycle(member)).as(as).startsWith(member).allMatch(knot::contains);
                }
            }
        });
    }

    @Test
    void everyStepOfACycleIsAWait() {
        random((random, as) -> {
            List<Wait<Integer>> waits = waits(random);
            WaitForGraph<Integer> graph = new WaitForGraph<>(waits);
            for (Integer member : graph.stuck()) {
                List<Integer> cycle = graph.cycle(member);
                for (int i = 0; i < cycle.size(); i++) {
                    Integer from = cycle.get(i);
                    Integer to = cycle.get((i + 1) % cycle.size());
                    assertThat(waits)
                            .as(as)
                            .anyMatch(wait ->
                                    wait.waiter().equals(from) && wait.before().contains(to));
                }
                assertThat(cycle).as(as).doesNotHaveDuplicates();
            }
        });
    }

    @Test
    void endingVictimsResolvesEverything() {
        random((random, as) -> {
            WaitForGraph<Integer> graph = new WaitForGraph<>(waits(random));
            int rounds = 0;
            while (!graph.stuck().isEmpty()) {
                Set<Integer> before = graph.stuck();
                Integer victim = graph.victim(graph.knots().getFirst(), Comparator.reverseOrder());
                graph = graph.without(victim);
                assertThat(before).as(as).containsAll(graph.stuck()).contains(victim);
                assertThat(graph.stuck()).as(as).doesNotContain(victim);
                assertThat(++rounds).as(as).isLessThan(10);
            }
            assertThat(graph.knots()).as(as).isEmpty();
        });
    }

    @Test
    void whoTakesLocksInOneOrderIsNeverStuck() {
        random((random, as) -> {
            // Activity i holds lock i and some below it, and waits for one above all that it holds.
            List<Wait<Integer>> waits = new ArrayList<>();
            int activities = random.nextInt(2, 9);
            for (int i = 0; i < activities - 1; i++) {
                waits.add(new Wait<>(i, List.of(random.nextInt(i + 1, activities)), 1));
            }
            assertThat(new WaitForGraph<>(waits).stuck()).as(as).isEmpty();
        });
    }

    @Test
    void aCycleThroughASemaphoreWithRoomIsNone() {
        List<Wait<String>> waits = List.of(
                new Wait<>("a", List.of("b", "c"), 2), // a permit is free when b or c leaves, and c can
                new Wait<>("b", List.of("a"), 1));
        assertThat(new WaitForGraph<>(waits).stuck()).isEmpty();
        List<Wait<String>> without = new ArrayList<>(waits);
        without.add(new Wait<>("c", List.of("a"), 1));
        assertThat(new WaitForGraph<>(without).stuck()).containsExactlyInAnyOrder("a", "b", "c");
    }

    @Test
    void theVictimIsOneThatLoosensTheKnot() {
        // p only waits, behind b, and a behind both: ending p would not help, however young it is.
        List<Wait<String>> waits = List.of(
                new Wait<>("p", List.of("b"), 1),
                new Wait<>("a", List.of("b", "p"), 1),
                new Wait<>("b", List.of("a"), 1));
        WaitForGraph<String> graph = new WaitForGraph<>(waits);
        assertThat(graph.knots()).containsExactly(Set.of("a", "b", "p"));
        assertThat(graph.victim(Set.of("a", "b", "p"), Comparator.reverseOrder()))
                .isEqualTo("b");
        assertThat(graph.cycle("b")).containsExactly("b", "a");
    }
}
