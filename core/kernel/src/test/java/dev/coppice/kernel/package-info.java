/** Tests of the kernel, one for each behaviour. */
@NullMarked
package dev.coppice.kernel;

import org.jspecify.annotations.NullMarked;
