package dev.coppice.expression;

import java.time.Duration;

/**
 * What one expression may cost. Compilation checks the first two; evaluation the others.
 *
 * @param sourceLength characters (code points) of source
 * @param nodes nodes of the syntax tree, macros expanded
 * @param cost steps of one evaluation: one for each node visited, more for functions over long strings and lists
 * @param time wall-clock time of one evaluation
 */
public record Limits(int sourceLength, int nodes, long cost, Duration time) {

    /** As Kubernetes: 1,000,000 cost units for one expression; and half a second, which that many never take. */
    public static final Limits DEFAULT = new Limits(10_000, 5_000, 1_000_000, Duration.ofMillis(500));

    public Limits {
        if (sourceLength < 1 || nodes < 1 || cost < 1 || !time.isPositive()) {
            throw new IllegalArgumentException("every limit of an expression has to be positive");
        }
    }

    public Limits withSourceLength(int sourceLength) {
        return new Limits(sourceLength, nodes, cost, time);
    }

    public Limits withNodes(int nodes) {
        return new Limits(sourceLength, nodes, cost, time);
    }

    public Limits withCost(long cost) {
        return new Limits(sourceLength, nodes, cost, time);
    }

    public Limits withTime(Duration time) {
        return new Limits(sourceLength, nodes, cost, time);
    }
}
