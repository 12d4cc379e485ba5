/** Rate limiting beside libraries that do it for Java programs. */
@NullMarked
package dev.coppice.bench.limits;

import org.jspecify.annotations.NullMarked;
