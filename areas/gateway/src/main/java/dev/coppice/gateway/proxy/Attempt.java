package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;

/**
 * One try of a request at one endpoint, as a connection to it sees it. All calls come on the event loop; after {@link #failed}, or the
 * last part of the answer, none.
 */
interface Attempt {

    /** Why there is no answer. */
    enum Failure {
        CONNECT("connect"),
        /** There is a connection, and no TLS on it. */
        TLS("tls"),
        /** The endpoint has not looked at the request (RFC 9113, 8.7). */
        REFUSED("refused"),
        /** The connection ended before the answer was complete. */
        RESET("reset"),
        TIMEOUT("timeout"),
        /** Too many requests wait for a connection to the endpoint. */
        WAITING("waiting"),
        /** What came is no HTTP. */
        MALFORMED("malformed"),
        /** The endpoint takes no WebSocket in the way in which it is spoken to. */
        WEBSOCKET("websocket");

        final String word;

        Failure(String word) {
            this.word = word;
        }
    }

    /** Whether nobody waits for it any more. */
    boolean over();

    /**
     * A connection or stream is there: the request may be sent.
     *
     * @param reused whether other requests were sent on it before; then it may end at any moment
     */
    void connected(TargetStream to, boolean reused);

    /** The head of an answer, which may be an interim one (1xx). */
    void response(HttpResponse head);

    /** A part of the answer's body, which the attempt has to release; the last one is a LastHttpContent. */
    void content(HttpContent part);

    /** What was read at once has been told. */
    void readComplete();

    /** Whether more of the request may be written. */
    void writable(boolean writable);

    void failed(Failure failure);
}
