/** Traces of requests without the data plane: the context that comes and goes with them, spans, and how these are sent. */
@NullMarked
package dev.coppice.gateway.trace;

import org.jspecify.annotations.NullMarked;
