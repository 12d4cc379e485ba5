/** Benchmarks: side by side with the peers, each run by {@code bench/run NAME}. */
@NullMarked
package dev.coppice.bench;

import org.jspecify.annotations.NullMarked;
