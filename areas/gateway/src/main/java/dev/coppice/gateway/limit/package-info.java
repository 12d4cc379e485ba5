/**
 * Counts requests by key, in bounded memory, for any number of threads: token bucket (GCRA), sliding window, concurrency. Knows
 * neither requests nor configuration; time comes from the caller.
 */
@NullMarked
package dev.coppice.gateway.limit;

import org.jspecify.annotations.NullMarked;
