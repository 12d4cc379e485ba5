/** Messages as bytes: registered records only. */
@NullMarked
package dev.coppice.distribution.codec;

import org.jspecify.annotations.NullMarked;
