package dev.coppice.gateway.proxy;

import dev.coppice.gateway.limit.KeySecret;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
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
 * @param overload when requests are refused since the gateway itself has too much to do
 * @param maxCacheBytes of the heap for answers that are kept, of all caches together
 * @param accessLog the file of the access log; those of policies are in the directory {@code logs} beside it; null: there are no files
 * @param geography files that say where addresses are; the first that knows something counts
 * @param endedSessions the directory that has which sessions issuers have ended; null: it is forgotten with the process
 * @param limitSecret what keys of rate limits are hashed with where several nodes share them; null: this one shares none
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
        Overload overload,
        long maxCacheBytes,
        @Nullable Path accessLog,
        List<Path> geography,
        @Nullable Path endedSessions,
        @Nullable KeySecret limitSecret) {

    public ProxyOptions {
        geography = List.copyOf(geography);
    }

    /**
     * From when on the gateway itself has too much to do, and new requests are answered with 503: at most 19 of 20, and fewer and fewer
     * once it is well again.
     *
     * @param lag how late an event loop may be; from here on requests of that loop are shed
     * @param lagOver until here they are
     * @param heapPercent of the largest heap, by what lives of it; from here on requests are shed
     * @param heapPercentOver until here they are
     */
    public record Overload(Duration lag, Duration lagOver, int heapPercent, int heapPercentOver) {
        /** Where answers would take a second and more, or the process could end at any moment. */
        public static final Overload DEFAULT = new Overload(Duration.ofMillis(500), Duration.ofMillis(100), 95, 90);
    }

    /** What answers that are kept may take of the heap. */
    private static final int CACHE_SHARE = 8;

    public static final ProxyOptions DEFAULT = new Draft().made();

    /** What is made into options: the defaults, of which some are changed. */
    private static final class Draft {
        private int loops;
        private int maxConnections = 100_000;
        private int maxLineBytes = 16 << 10;
        private int maxHeaderBytes = 64 << 10;
        private Duration clientIdle = Duration.ofSeconds(60);
        private Duration stalled = Duration.ofSeconds(60);
        private Duration connectTimeout = Duration.ofSeconds(5);
        private Duration endpointIdle = Duration.ofSeconds(50);
        private int maxEndpointConnections = 4096;
        private int maxEndpointWaiting = 4096;
        private Duration tunnelIdle = Duration.ofHours(1);
        private int maxReplayBytes = 64 << 10;
        private Duration drain = Duration.ofSeconds(30);
        private Overload overload = Overload.DEFAULT;
        private long maxCacheBytes = Runtime.getRuntime().maxMemory() / CACHE_SHARE;
        private @Nullable Path accessLog;
        private List<Path> geography = List.of();
        private @Nullable Path endedSessions;
        private @Nullable KeySecret limitSecret;

        private Draft() {}

        private Draft(ProxyOptions from) {
            loops = from.loops;
            maxConnections = from.maxConnections;
            maxLineBytes = from.maxLineBytes;
            maxHeaderBytes = from.maxHeaderBytes;
            clientIdle = from.clientIdle;
            stalled = from.stalled;
            connectTimeout = from.connectTimeout;
            endpointIdle = from.endpointIdle;
            maxEndpointConnections = from.maxEndpointConnections;
            maxEndpointWaiting = from.maxEndpointWaiting;
            tunnelIdle = from.tunnelIdle;
            maxReplayBytes = from.maxReplayBytes;
            drain = from.drain;
            overload = from.overload;
            maxCacheBytes = from.maxCacheBytes;
            accessLog = from.accessLog;
            geography = from.geography;
            endedSessions = from.endedSessions;
            limitSecret = from.limitSecret;
        }

        private ProxyOptions made() {
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
                    overload,
                    maxCacheBytes,
                    accessLog,
                    geography,
                    endedSessions,
                    limitSecret);
        }
    }

    private ProxyOptions with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.made();
    }

    public ProxyOptions withLoops(int loops) {
        return with(draft -> draft.loops = loops);
    }

    public ProxyOptions withClientIdle(Duration clientIdle) {
        return with(draft -> draft.clientIdle = clientIdle);
    }

    public ProxyOptions withStalled(Duration stalled) {
        return with(draft -> draft.stalled = stalled);
    }

    public ProxyOptions withConnectTimeout(Duration connectTimeout) {
        return with(draft -> draft.connectTimeout = connectTimeout);
    }

    public ProxyOptions withOverload(Overload overload) {
        return with(draft -> draft.overload = overload);
    }

    public ProxyOptions withMaxCacheBytes(long maxCacheBytes) {
        return with(draft -> draft.maxCacheBytes = maxCacheBytes);
    }

    public ProxyOptions withAccessLog(@Nullable Path accessLog) {
        return with(draft -> draft.accessLog = accessLog);
    }

    public ProxyOptions withGeography(List<Path> geography) {
        return with(draft -> draft.geography = geography);
    }

    public ProxyOptions withEndedSessions(@Nullable Path endedSessions) {
        return with(draft -> draft.endedSessions = endedSessions);
    }

    public ProxyOptions withLimitSecret(@Nullable KeySecret limitSecret) {
        return with(draft -> draft.limitSecret = limitSecret);
    }
}
