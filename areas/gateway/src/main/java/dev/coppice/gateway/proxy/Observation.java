package dev.coppice.gateway.proxy;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is told of the requests of a rule, or of those of a listener that no rule wanted. Immutable.
 *
 * @param tracing null: they are not traced
 */
record Observation(List<AccessLog> logs, @Nullable Tracing tracing) {}
