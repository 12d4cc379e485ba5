package dev.coppice.kernel;

import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;

/**
 * Everything there is to know about one child.
 *
 * @param parent the path of its supervisor
 * @param state what its behaviour tells of its state, in words; empty when it tells nothing
 * @param stateNote why there is no state; empty when there is one, or none to tell
 * @param links other processes that it lives and dies with
 * @param monitors others that are told when it ends
 * @param stack what its thread does now; empty for what has no thread at the moment
 * @param crashes the last ones that the kernel remembers, newest first
 */
public record Insight(
        Vitals vitals,
        Traits traits,
        String parent,
        String state,
        String stateNote,
        OptionalInt links,
        OptionalInt monitors,
        List<String> stack,
        List<Crash> crashes) {

    /** A crash with its stack, cut at a bound. */
    public record Crash(Instant at, String reason, List<String> stack) {}
}
