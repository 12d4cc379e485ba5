/** The kinds of the area. */
@NullMarked
package dev.coppice.coordination.kind;

import org.jspecify.annotations.NullMarked;
