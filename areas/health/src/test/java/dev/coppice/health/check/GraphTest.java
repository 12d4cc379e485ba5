package dev.coppice.health.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.Key;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class GraphTest {
    @Test
    void namesTheMembersOfACycleAndLeavesItsEdgesOut() {
        Graph graph = Graph.of(Map.of(
                k("a"),
                Set.of(k("b")),
                k("b"),
                Set.of(k("c")),
                k("c"),
                Set.of(k("a"), k("d")),
                k("d"),
                Set.of(k("x"))));
        assertThat(graph.cycle(k("a"))).containsExactlyInAnyOrder(k("a"), k("b"), k("c"));
        assertThat(graph.cycle(k("d"))).isEmpty();
        assertThat(graph.needs(k("a"))).isEmpty();
        assertThat(graph.needs(k("c"))).containsExactly(k("d"));
        assertThat(graph.neededBy(k("d"))).containsExactly(k("c"));
        assertThat(graph.missing(k("d"))).containsExactly(k("x"));
    }

    @Test
    void aLongChainDoesNotOverflow() {
        Map<Key, Set<Key>> edges = new HashMap<>();
        for (int i = 0; i < 50_000; i++) {
            edges.put(k("n" + i), Set.of(k("n" + (i + 1) % 50_000)));
        }
        assertThat(Graph.of(edges).cycle(k("n7"))).hasSize(50_000);
    }

    @Property(tries = 200)
    void aCheckIsInACycleWhenItReachesItself(@ForAll long seed) {
        var random = new Random(seed);
        int n = 1 + random.nextInt(9);
        Map<Key, Set<Key>> edges = new LinkedHashMap<>();
        for (int i = 0; i < n; i++) {
            Set<Key> targets = new TreeSet<>((a, b) -> a.name().compareTo(b.name()));
            for (int j = 0; j < n; j++) {
                if (random.nextInt(5) == 0) {
                    targets.add(k("n" + j));
                }
            }
            edges.put(k("n" + i), targets);
        }
        Graph graph = Graph.of(edges);
        for (Key key : edges.keySet()) {
            assertThat(graph.cycle(key).isEmpty()).isEqualTo(!reaches(edges, key, key, new java.util.HashSet<>()));
            assertThat(graph.needs(key)).isSubsetOf(edges.get(key));
        }
    }

    private static boolean reaches(Map<Key, Set<Key>> edges, Key from, Key to, Set<Key> seen) {
        for (Key next : edges.get(from)) {
            if (next.equals(to) || (seen.add(next) && reaches(edges, next, to, seen))) {
                return true;
            }
        }
        return false;
    }

    private static Key k(String name) {
        return new Key("ns", name);
    }
}
