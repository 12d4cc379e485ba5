package dev.coppice.gateway.share;

import java.util.List;

/** What nodes say to each other about limits that they share. Immutable. */
sealed interface ShareMessage {
    /** Keys in one message, so that it stays far below what a message may have. */
    int MOST_KEYS = 512;

    /** Requests of one key in one message. */
    int MOST_REQUESTS = 1000;

    /**
     * What a node asks the owner of keys for.
     *
     * @param batch by which the sender knows the answer
     */
    record Demands(long batch, List<Demand> demands) implements ShareMessage {
        public Demands {
            demands = List.copyOf(demands);
            if (demands.size() > MOST_KEYS) {
                throw new IllegalArgumentException("demands: " + demands.size() + "; expected at most " + MOST_KEYS);
            }
        }
    }

    /**
     * Requests of one key.
     *
     * @param limit a hash of its name and numbers: those who do not mean the same do not count together
     * @param needed that are there
     * @param ahead that are likely to come
     */
    record Demand(long limit, long key, int needed, int ahead) {
        public Demand {
            if (needed < 0 || ahead < 0 || needed + (long) ahead > MOST_REQUESTS) {
                throw new IllegalArgumentException("needed: " + needed + ", ahead: " + ahead
                        + "; expected 0 or more, together at most " + MOST_REQUESTS);
            }
        }
    }

    /** What the owner gives, in the order of the demands. */
    record Grants(long batch, List<Grant> grants) implements ShareMessage {
        public Grants {
            grants = List.copyOf(grants);
        }
    }

    /**
     * Requests of one key that may pass, which the owner has counted.
     *
     * @param requests -1: the owner knows no such limit, or is not the owner as far as it knows
     * @param remaining that others may still have
     * @param retryNanos until there are more; 0 when there are
     * @param resetNanos until all are there again
     */
    record Grant(int requests, int remaining, long retryNanos, long resetNanos) {
        static final Grant UNKNOWN = new Grant(-1, 0, 0, 0);
    }
}
