package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpObject;

/**
 * The endpoint's side of one attempt: a connection of HTTP/1.1, or a stream of HTTP/2. What is written are HTTP messages whatever the
 * endpoint speaks. Used on its event loop only.
 */
interface TargetStream {

    /** Takes a part of the request over; the last one is a LastHttpContent. */
    void write(HttpObject part);

    void flush();

    /** Whether more of the request should be written now. */
    boolean writable();

    /** Bytes that were written and not yet taken, beyond what is {@link #writable}. */
    long backlog();

    /** Stops or goes on reading the answer. */
    void reading(boolean on);

    /** Ends it before its time; its attempt hears nothing more. */
    void close();

    /** Nothing came in time: it is closed, and its connection serves nobody else. */
    void timedOut();
}
