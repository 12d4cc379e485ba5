/** Supervision, processes, telemetry, time: the runtime that everything else runs on. */
@NullMarked
package dev.coppice.kernel;

import org.jspecify.annotations.NullMarked;
