package dev.coppice.gateway.limit;

/** Checks of what limits are made of. */
final class Checks {

    private Checks() {}

    static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + "; expected 1 or more");
        }
    }

    static void span(String name, long nanos) {
        if (nanos < 1 || nanos > Algorithm.LONGEST_NANOS) {
            throw new IllegalArgumentException(name + ": " + nanos + " ns; expected 1 ns to 30 days");
        }
    }
}
