package dev.coppice.gateway.balance;

import static dev.coppice.gateway.balance.Choosing.config;
import static dev.coppice.gateway.balance.Choosing.even;
import static dev.coppice.gateway.balance.Choosing.members;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.config.BalanceConfig.Subset.Fallback;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Endpoints sorted by a label. */
class SubsetsTest {
    private static final List<String> LABELS = List.of("v1", "v2", "", "v1", "v3");

    private final Choosing choosing = new Choosing();

    private static Subset by(Fallback fallback, String name) {
        return new Subset("version", "x-version", null, fallback, name);
    }

    private static Subsets subsets(String algorithm, Subset by, List<Member> members, List<String> labels) {
        return subsets(algorithm, by, members, labels, List.of());
    }

    private static Subsets subsets(
            String algorithm, Subset by, List<Member> members, List<String> labels, List<String> absent) {
        LoadBalancerFactory factory = Objects.requireNonNull(LoadBalancers.named(algorithm));
        Plan all = Plan.of(members, factory, config(algorithm, 0));
        return Subsets.of(by, labels, absent, all, among -> Plan.of(members, among, factory, config(algorithm, 0)));
    }

    private Set<Integer> chosen(Subsets.@Nullable Named named) {
        return chosen(Objects.requireNonNull(named).plan());
    }

    private Set<Integer> chosen(Plan plan) {
        Set<Integer> all = new HashSet<>();
        for (int i = 0; i < 400; i++) {
            all.add(choosing.choose(plan));
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"RoundRobin", "Random", "LeastRequest", "PeakEwma", "RingHash", "Maglev"})
    void theEndpointsOfASubsetAreChosenAmongByTheirNumbers(String algorithm) {
        Subsets subsets = subsets(algorithm, by(Fallback.ANY, ""), members(even(5)), LABELS);
        assertThat(chosen(subsets.named("v1"))).containsExactlyInAnyOrder(0, 3);
        assertThat(chosen(subsets.named("v2"))).containsExactly(1);
        assertThat(subsets.named("v4")).isNull();
        assertThat(subsets.named("")).isNull();
        assertThat(chosen(subsets.otherwise())).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
        // What has just failed is left out here, too.
        assertThat(choosing.choose(Objects.requireNonNull(subsets.named("v1")).plan(), 1, 0))
                .isEqualTo(3);
        assertThat(choosing.choose(Objects.requireNonNull(subsets.named("v2")).plan(), 1, 1))
                .isEqualTo(1);
    }

    @Test
    void whoNamesNoneGoesNowhereOrToTheDefault() {
        List<Member> members = members(even(5));
        assertThat(chosen(subsets("RoundRobin", by(Fallback.NONE, ""), members, LABELS)
                        .otherwise()))
                .containsExactly(Plan.NONE);
        assertThat(chosen(subsets("RoundRobin", by(Fallback.DEFAULT, "v1"), members, LABELS)
                        .otherwise()))
                .containsExactlyInAnyOrder(0, 3);
        assertThat(chosen(subsets("RoundRobin", by(Fallback.DEFAULT, "v9"), members, LABELS)
                        .otherwise()))
                .containsExactly(Plan.NONE);
    }

    @Test
    void healthAndPanicAreThoseOfTheSubset() {
        List<Member> members = new ArrayList<>(members(even(5)));
        members.set(0, new Member("10.0.0.0:80", 0, 1, false, new EndpointLoad()));
        members.set(1, new Member("10.0.0.1:80", 0, 1, false, new EndpointLoad()));
        Subsets subsets = subsets("RoundRobin", by(Fallback.ANY, ""), members, LABELS);
        Plan half = Objects.requireNonNull(subsets.named("v1")).plan();
        assertThat(half.panic()).isFalse();
        assertThat(chosen(half)).containsExactly(3);
        // All of the others are well, but they are not what was asked for.
        Plan none = Objects.requireNonNull(subsets.named("v2")).plan();
        assertThat(none.panic()).isTrue();
        assertThat(chosen(none)).containsExactly(1);
    }

    @Test
    void nobodyAnswersForASubsetOfWhichNothingIsThere() {
        for (Fallback each : Fallback.values()) {
            Subsets subsets = subsets("RoundRobin", by(each, "v4"), members(even(5)), LABELS, List.of("v1", "v4"));
            assertThat(chosen(subsets.named("v4"))).containsExactly(Plan.NONE);
            assertThat(chosen(subsets.named("v1"))).containsExactlyInAnyOrder(0, 3);
        }
    }

    @Test
    void largeTablesAreSharedByTheSubsets() {
        for (int[] each : new int[][] {
            {0, 64, 0},
            {64, 64, 64},
            {65_537, 64, 65_537},
            {1_048_573, 1, 1_048_573},
            {1_048_576, 2, 524_287},
            {1_048_573, 4, 262_139},
            {1_048_573, 9, 65_537},
            {1_048_576, 100, 65_537},
            {100_003, 3, 65_537}
        }) {
            List<String> labels =
                    IntStream.range(0, each[1]).mapToObj("v%d"::formatted).toList();
            assertThat(Subsets.part(config("Maglev", each[0]), labels).tableSize())
                    .as("%d for %d", each[0], each[1])
                    .isEqualTo(each[2]);
        }
    }

    @Test
    void thereAreSoManyAtMostAndTheDefaultIsAmongThem() {
        int count = Subsets.MOST + 10;
        List<String> labels =
                IntStream.range(0, count).mapToObj("v%03d"::formatted).toList();
        List<Member> members = members(even(count));
        Subsets subsets = subsets("RoundRobin", by(Fallback.DEFAULT, "v073"), members, labels);
        assertThat(subsets.left()).isEqualTo(9);
        assertThat(subsets.named("v063")).isNotNull();
        assertThat(subsets.named("v064")).isNull();
        assertThat(chosen(subsets.otherwise())).containsExactly(73);
    }
}
