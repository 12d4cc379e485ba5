/** An extension as a user writes one, packed into a jar and started in real nodes. */
@NullMarked
package dev.coppice.acceptance.extension;

import org.jspecify.annotations.NullMarked;
