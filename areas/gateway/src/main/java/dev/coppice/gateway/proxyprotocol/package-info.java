/**
 * The PROXY protocol, versions 1 and 2: what a proxy says of a connection's two ends before its first byte. Knows no sockets.
 *
 * <p>The PROXY protocol (HAProxy's proxy-protocol.txt).
 */
@NullMarked
package dev.coppice.gateway.proxyprotocol;

import org.jspecify.annotations.NullMarked;
