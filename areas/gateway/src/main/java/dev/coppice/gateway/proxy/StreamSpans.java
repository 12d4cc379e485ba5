package dev.coppice.gateway.proxy;

import dev.coppice.gateway.trace.Span;
import dev.coppice.gateway.trace.TraceParent;

/** Makes the spans of streams that are over, by OpenTelemetry's general conventions for networks. Pure functions. */
final class StreamSpans {
    private static final int SERVER_ERROR = 500;

    private StreamSpans() {}

    /**
     * The span of a stream, with which its trace begins.
     *
     * @param port where it came in
     * @param end nanoseconds since 1970
     */
    static Span of(TraceParent place, StreamReport stream, int port, long end) {
        Span span = new Span(place, 0, false, "", Span.Kind.SERVER, stream.protocol())
                .lasted(end - stream.nanos(), end)
                .with("network.transport", stream.protocol().equals("UDP") ? "udp" : "tcp")
                .with("network.protocol.name", stream.protocol().equals("TLS") ? "tls" : "")
                .with("server.address", stream.serverName())
                .with("server.port", port)
                .with("client.address", stream.client())
                .with("network.peer.address", stream.client())
                .with("coppice.gateway.route", stream.route())
                .with("coppice.gateway.upstream", stream.upstream())
                .with("coppice.gateway.endpoint", stream.endpoint())
                .with("coppice.gateway.bytes_in", stream.bytesIn())
                .with("coppice.gateway.bytes_out", stream.bytesOut())
                .with("coppice.gateway.reason", stream.reason());
        return stream.status() >= SERVER_ERROR ? span.failed(stream.reason()) : span;
    }
}
