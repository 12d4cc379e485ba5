package dev.coppice.acceptance.fault;

import java.util.List;

/** What a checker found out about a history. */
sealed interface Verdict {

    /** There is an order of the operations that explains all answers. */
    record Linearizable(long steps) implements Verdict {}

    /**
     * There is no such order.
     *
     * @param explained the longest order that explains its answers, as far as one was found
     * @param stuck the operations of which one had to come next, and none could
     */
    record Violation(List<String> explained, List<String> stuck) implements Verdict {
        @Override
        public String toString() {
            List<String> last = explained.subList(Math.max(0, explained.size() - 12), explained.size());
            return "not linearizable. Explained " + explained.size() + " operations, the last of them:\n    "
                    + String.join("\n    ", last) + "\n  then none of these fits:\n    "
                    + String.join("\n    ", stuck);
        }
    }

    /** The search was given up at its bound. */
    record Undecided(long steps) implements Verdict {}
}
