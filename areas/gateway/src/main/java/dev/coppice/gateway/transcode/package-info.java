/** Calls of gRPC in other forms: as text for browsers, and as JSON over HTTP. Knows no sockets. */
@NullMarked
package dev.coppice.gateway.transcode;

import org.jspecify.annotations.NullMarked;
