/** Connections between nodes. */
@NullMarked
package dev.coppice.distribution.transport;

import org.jspecify.annotations.NullMarked;
