/**
 * Decides whether a request is sent to an upstream at all: circuit breaker, retry budget, bounds of what is sent at one time, limits that
 * follow latency, and what is shed when the gateway itself has too much to do. Knows neither requests nor connections; time comes from the
 * caller, in nanoseconds of one clock that never goes back. Everything here is safe for use by many threads, takes no lock, and
 * allocates nothing for a request.
 */
@NullMarked
package dev.coppice.gateway.resilience;

import org.jspecify.annotations.NullMarked;
