/** Processes over several nodes. */
@NullMarked
package dev.coppice.distribution;

import org.jspecify.annotations.NullMarked;
