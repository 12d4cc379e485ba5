package dev.coppice.schema.rule;

import dev.coppice.expression.Estimate;
import dev.coppice.schema.Cause;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Adds up what the rules of one schema can cost, and tells of what is too much in Kubernetes' words. For one thread. */
final class RuleCosts {
    /** The most that one rule, or its message, may cost for one object: StaticEstimatedCostLimit. */
    static final long EXPRESSION_LIMIT = 10_000_000;

    /** The most that all of a schema may cost: StaticEstimatedCRDCostLimit. */
    static final long SCHEMA_LIMIT = 100_000_000;

    private static final int MOST_NAMED = 4;

    private final boolean suppressed;
    private final List<Expense> dearest = new ArrayList<>();
    private long total;

    private record Expense(String place, long cost) {}

    /** @param suppressed whether single expressions may cost more */
    RuleCosts(boolean suppressed) {
        this.suppressed = suppressed;
    }

    /**
     * Takes down the cost of one expression.
     *
     * @param what of which it is the cost, such as {@code estimated rule cost}
     * @param place the field that has the expression
     */
    void add(String what, String place, long cost, List<Cause> causes) {
        if (!suppressed && exceeds(cost, EXPRESSION_LIMIT)) {
            causes.add(Cause.forbidden(place, message(what, cost, EXPRESSION_LIMIT)));
        }
        total = Estimate.sum(total, cost);
        if (Long.compareUnsigned(cost, SCHEMA_LIMIT / 100) >= 0) {
            dearest.add(new Expense(place, cost));
        }
    }

    /** Tells when all expressions together cost too much, and which most of it. */
    void total(String place, List<Cause> causes) {
        if (!exceeds(total, SCHEMA_LIMIT)) {
            return;
        }
        dearest.sort(Comparator.comparing(Expense::cost, (a, b) -> Long.compareUnsigned(b, a)));
        for (Expense expense : dearest.subList(0, Math.min(MOST_NAMED, dearest.size()))) {
            causes.add(Cause.forbidden(
                    expense.place(),
                    "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"));
        }
        causes.add(Cause.forbidden(
                place,
                message(
                        "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
                        total,
                        SCHEMA_LIMIT)));
    }

    private static boolean exceeds(long cost, long limit) {
        return Long.compareUnsigned(cost, limit) > 0;
    }

    private static String message(String what, long cost, long limit) {
        return what + " exceeds budget by factor of " + factor(Estimate.toDouble(cost) / limit)
                + " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and"
                + " strings are declared)";
    }

    /** As Go prints it: six digits of what is nearly 1, or else one. */
    private static String factor(double factor) {
        if (factor > 100) {
            return "more than 100x";
        }
        return new BigDecimal(factor)
                        .setScale(factor < 1.5 ? 6 : 1, RoundingMode.HALF_EVEN)
                        .toPlainString()
                + "x";
    }
}
