/** HTTP/1.1 on the wire, beside Netty's codec. */
@NullMarked
package dev.coppice.gateway.http1;

import org.jspecify.annotations.NullMarked;
