package dev.coppice.acceptance.fault;

import java.util.Map;
import java.util.TreeMap;

/** Adds up what rounds came to. */
final class Tally {
    private final long begunNanos = System.nanoTime();
    private final Map<String, Integer> faults = new TreeMap<>();
    private int rounds;
    private long answered;
    private long unknown;
    private long refused;
    private long changes;
    private int undecided;
    private int endedByThemselves;

    void add(Round.Outcome outcome) {
        rounds++;
        answered += outcome.answered();
        unknown += outcome.unknown();
        refused += outcome.refused();
        changes += outcome.changes();
        undecided += outcome.undecided();
        endedByThemselves += outcome.endedByThemselves();
        outcome.faultCounts().forEach((kind, count) -> faults.merge(kind, count, Integer::sum));
    }

    long answered() {
        return answered;
    }

    @Override
    public String toString() {
        return rounds + " rounds in " + (System.nanoTime() - begunNanos) / 1_000_000_000 + " s: " + answered
                + " operations answered, " + unknown + " of unknown outcome, " + refused + " refused, " + changes
                + " changes watched, " + undecided + " searches given up, " + endedByThemselves
                + " times a node ended by itself; faults "
                + faults.values().stream().mapToInt(Integer::intValue).sum() + " " + faults;
    }
}
