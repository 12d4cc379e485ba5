/** State machines of users, replicated by consensus; the implementation is the store's. */
@NullMarked
package dev.coppice.distribution.consensus;

import org.jspecify.annotations.NullMarked;
