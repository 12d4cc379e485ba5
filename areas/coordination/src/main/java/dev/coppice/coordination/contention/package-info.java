/** Who holds what and who waits for it, kept from a watch. */
@NullMarked
package dev.coppice.coordination.contention;

import org.jspecify.annotations.NullMarked;
