/** The kernel's speed table: what every side of it has in common, and the rows as Coppice does them. */
@NullMarked
package dev.coppice.bench.kernel;

import org.jspecify.annotations.NullMarked;
