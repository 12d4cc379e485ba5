/** A resource API in memory, to test controllers against. */
@NullMarked
package dev.coppice.control.runtime.testing;

import org.jspecify.annotations.NullMarked;
