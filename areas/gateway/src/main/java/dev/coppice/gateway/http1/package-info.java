/**
 * HTTP/1.1 on the wire (RFC 9112), for the form in which nearly all messages come: a head that is there as a whole, written plainly, whose body has
 * a length. Whatever has any other form is left to Netty's codec, from its first byte on, so that there is one judge of what is allowed. Knows no routes.
 */
@NullMarked
package dev.coppice.gateway.http1;

import org.jspecify.annotations.NullMarked;
