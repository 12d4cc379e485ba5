package dev.coppice.acceptance.etcd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Compares two servers that run, both empty and used by nobody else. */
public final class Differences {

    /**
     * What came of it.
     *
     * @param operations how many were compared
     * @param known how often they answered differently as is meant
     * @param found the other differences, in words; empty is what is hoped for
     */
    public record Found(long operations, long known, List<String> found) {}

    private Differences() {}

    /**
     * Runs seeded rounds until one differs; on servers that were fresh, a seed is the same run again.
     *
     * @param etcd the address of a real etcd
     * @param coppice the address of Coppice's etcd port
     * @param progress is told after each round
     */
    public static Found run(
            String etcd, String coppice, long firstSeed, int rounds, int steps, Consumer<String> progress) {
        List<String> found = new ArrayList<>();
        long operations = 0;
        long known = 0;
        try (Side expected = new Side("etcd", etcd);
                Side actual = new Side("Coppice", coppice)) {
            for (long seed = firstSeed; seed < firstSeed + rounds && found.isEmpty(); seed++) {
                Round round = new Round(expected, actual, seed);
                round.run(steps).forEach(each -> found.add(each.toString()));
                operations += round.steps();
                known += round.known();
                progress.accept("seed " + seed + ": " + round.steps() + " operations, " + round.known()
                        + " known differences, " + found.size() + " others");
            }
        }
        return new Found(operations, known, List.copyOf(found));
    }

    /** For work on either: ETCD COPPICE FIRST-SEED ROUNDS STEPS. */
    public static void main(String[] arguments) {
        Found found = run(
                arguments[0],
                arguments[1],
                Long.parseLong(arguments[2]),
                Integer.parseInt(arguments[3]),
                Integer.parseInt(arguments[4]),
                System.out::println);
        found.found().forEach(System.out::println);
        System.out.println(found.operations() + " operations, " + found.known() + " known differences");
    }
}
