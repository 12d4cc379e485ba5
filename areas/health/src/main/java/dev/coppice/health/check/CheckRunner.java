package dev.coppice.health.check;

/** Does the work of one try of a check: the seam between scheduling and the network. Safe for use by many threads. */
@FunctionalInterface
public interface CheckRunner {

    /** Tries once, within the plan's timeout. What the target does wrong is a failed attempt, never an exception. */
    Attempt run(CheckPlan plan) throws InterruptedException;

    /** A check is gone; what was kept for it can go. */
    default void forget(CheckPlan plan) {}
}
