/** The rows of the kernel's speed table as Apache Pekko does them. */
@NullMarked
package dev.coppice.bench.pekko;

import org.jspecify.annotations.NullMarked;
