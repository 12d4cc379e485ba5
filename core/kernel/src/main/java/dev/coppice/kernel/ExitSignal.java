package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/**
 * An exit signal that a process trapped.
 *
 * @param from the linked process that ended; null when somebody sent the signal by {@link ProcessRef#exit}
 */
public record ExitSignal(@Nullable ProcessRef<?> from, ExitReason reason) {}
