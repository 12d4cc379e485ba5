package dev.coppice.gateway.function;

import org.jspecify.annotations.Nullable;

/**
 * How a function is now. Immutable.
 *
 * @param problem what is wrong and what is expected; null while nothing is known to be
 * @param before whether the one before goes on in its place
 */
public record FunctionReading(State state, @Nullable String problem, boolean before) {

    /** Whether its requests come to it. */
    public enum State {
        /** It waits to be read and compiled, or is. */
        LOADING,
        /** They do. */
        RUNS,
        /** It cannot be read, compiled, or begun. */
        INVALID,
        /** There is no room for its module; it is tried again once there is some. */
        NO_ROOM
    }
}
