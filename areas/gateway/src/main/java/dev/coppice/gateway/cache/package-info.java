/** A shared cache of answers: what may be kept, for how long, and for whom (RFC 9111). Without network. */
@NullMarked
package dev.coppice.gateway.cache;

import org.jspecify.annotations.NullMarked;
