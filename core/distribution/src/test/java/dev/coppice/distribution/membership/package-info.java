/** Which nodes there are. */
@NullMarked
package dev.coppice.distribution.membership;

import org.jspecify.annotations.NullMarked;
