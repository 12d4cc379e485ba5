/** What HTTP says of bodies: which encodings a client takes, and which are worth one. Without network. */
@NullMarked
package dev.coppice.gateway.content;

import org.jspecify.annotations.NullMarked;
