/** Where the area's resources come from, and what keeps its policies. */
@NullMarked
package dev.coppice.coordination.control;

import org.jspecify.annotations.NullMarked;
