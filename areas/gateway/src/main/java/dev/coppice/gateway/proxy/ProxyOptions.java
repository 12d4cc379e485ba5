package dev.coppice.gateway.proxy;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Bounds of the data plane. Immutable; the with-methods copy.
 *
 * @param loops event loops; 0 for one a processor
 * @param maxConnections from clients, on all listeners; further ones are closed at once
 * @param maxLineBytes of a request's first line; longer ones are answered with 414
 * @param maxHeaderBytes of all headers of a request or answer; larger ones are answered with 431, or 502 for an answer
 * @param clientIdle how long a client may take until its next request's head is complete
 * @param stalled how long a request or answer may stand still
 * @param connectTimeout to make a connection to an endpoint
 * @param endpointIdle how long an unused connection to an endpoint is kept
 * @param maxEndpointConnections to one endpoint, on each event loop
 * @param maxEndpointWaiting requests that wait for one of those; further ones are answered with 503
 * @param tunnelIdle how long nothing may go through a connection that changed its protocol, such as a WebSocket
 * @param maxReplayBytes of a request's body that is kept in order to send it once more
 * @param drain how long connections have to end when their listener goes
 * @param accessLog the file of the access log; null: none
 */
public record ProxyOptions(
        int loops,
        int maxConnections,
        int maxLineBytes,
        int maxHeaderBytes,
        Duration clientIdle,
        Duration stalled,
        Duration connectTimeout,
        Duration endpointIdle,
        int maxEndpointConnections,
        int maxEndpointWaiting,
        Duration tunnelIdle,
        int maxReplayBytes,
        Duration drain,
        @Nullable Path accessLog) {

    public static final ProxyOptions DEFAULT = new ProxyOptions(
            0,
            100_000,
            16 << 10,
            64 << 10,
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ofSeconds(5),
            Duration.ofSeconds(50),
            4096,
            4096,
            Duration.ofHours(1),
            64 << 10,
            Duration.ofSeconds(30),
            null);

    public ProxyOptions withLoops(int loops) {
        return new ProxyOptions(
                loops,
                maxConnections,
                maxLineBytes,
                maxHeaderBytes,
                clientIdle,
                stalled,
                connectTimeout,
                endpointIdle,
                maxEndpointConnections,
                maxEndpointWaiting,
                tunnelIdle,
                maxReplayBytes,
                drain,
                accessLog);
    }

    public ProxyOptions withClientIdle(Duration clientIdle) {
        return new ProxyOptions(
                loops,
                maxConnections,
                maxLineBytes,
                maxHeaderBytes,
                clientIdle,
                stalled,
                connectTimeout,
                endpointIdle,
                maxEndpointConnections,
                maxEndpointWaiting,
                tunnelIdle,
                maxReplayBytes,
                drain,
                accessLog);
    }

    public ProxyOptions withStalled(Duration stalled) {
        return new ProxyOptions(
                loops,
                maxConnections,
                maxLineBytes,
                maxHeaderBytes,
                clientIdle,
                stalled,
                connectTimeout,
                endpointIdle,
                maxEndpointConnections,
                maxEndpointWaiting,
                tunnelIdle,
                maxReplayBytes,
                drain,
                accessLog);
    }

    public ProxyOptions withConnectTimeout(Duration connectTimeout) {
        return new ProxyOptions(
                loops,
                maxConnections,
                maxLineBytes,
                maxHeaderBytes,
                clientIdle,
                stalled,
                connectTimeout,
                endpointIdle,
                maxEndpointConnections,
                maxEndpointWaiting,
                tunnelIdle,
                maxReplayBytes,
                drain,
                accessLog);
    }

    public ProxyOptions withAccessLog(@Nullable Path accessLog) {
        return new ProxyOptions(
                loops,
                maxConnections,
                maxLineBytes,
                maxHeaderBytes,
                clientIdle,
                stalled,
                connectTimeout,
                endpointIdle,
                maxEndpointConnections,
                maxEndpointWaiting,
                tunnelIdle,
                maxReplayBytes,
                drain,
                accessLog);
    }
}
