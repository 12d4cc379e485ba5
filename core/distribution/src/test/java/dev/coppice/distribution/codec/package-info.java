/** Messages as bytes. */
@NullMarked
package dev.coppice.distribution.codec;

import org.jspecify.annotations.NullMarked;
