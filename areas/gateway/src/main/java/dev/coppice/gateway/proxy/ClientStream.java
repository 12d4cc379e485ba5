package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of one exchange: a connection of HTTP/1.1, or a stream of HTTP/2. What is written are HTTP messages whatever the
 * client speaks. Used on its event loop only.
 */
interface ClientStream extends TunnelEnd {

    EventLoopState state();

    /** Which it comes on. */
    Client connection();

    /** Where it came in. */
    Port port();

    /** The client's IP address. */
    String address();

    /** The same as bytes, in network order: 4 or 16. */
    byte[] addressBytes();

    /** The name by which the client asked for a certificate; empty when it named none; null for plain HTTP. */
    @Nullable
    String serverName();

    /** What the client has shown in TLS. */
    PeerCertificates peerCertificates();

    /** Whether its connection is about to end, so that no further request should come on it. */
    boolean draining();

    /** An interim answer (RFC 9110, 15.2). */
    void interim(HttpResponse head);

    /** Takes a part of the answer over; the last one is a LastHttpContent. */
    void write(HttpObject part);

    /** Tells the client that the answer which has begun will not be completed. */
    void abort();

    /**
     * The exchange is over.
     *
     * @param keep whether another request may follow on a connection of HTTP/1.1
     * @param requestComplete whether the client has sent all of its request
     */
    void ended(Exchange exchange, boolean keep, boolean requestComplete);

    /** Whether it may become a WebSocket. */
    boolean upgradable();

    /** Whether it asks for one by extended CONNECT, so that an answer of 2xx would say that there is one (RFC 8441). */
    boolean connecting();

    /** Speaks HTTP no more; what the client sends waits until it is a {@link #tunnel}. */
    void leave();
}
