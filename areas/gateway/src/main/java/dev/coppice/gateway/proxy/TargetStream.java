package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;

/**
 * The endpoint's side of one attempt: a connection of HTTP/1.1, or a stream of HTTP/2. What is written are HTTP messages whatever the
 * endpoint speaks. Used on its event loop only.
 */
interface TargetStream extends TunnelEnd {

    /** Takes a part of the request over; the last one is a LastHttpContent. */
    void write(HttpObject part);

    /** Sends a request for a WebSocket, which has no body. */
    void upgrade(HttpRequest request);

    /** Bytes that were written and not yet taken, beyond what is {@link #writable}. */
    long backlog();

    /** Whether its answer, whose head was told, has no other end than the connection's. */
    boolean endsWithConnection();

    /** Ends it before its time; its attempt hears nothing more. */
    void close();

    /** Nothing came in time: it is closed, and its connection serves nobody else. */
    void timedOut();
}
