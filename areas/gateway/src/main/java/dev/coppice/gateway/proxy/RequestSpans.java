package dev.coppice.gateway.proxy;

import dev.coppice.gateway.log.LogField;
import dev.coppice.gateway.trace.Span;
import dev.coppice.gateway.trace.TraceParent;
import dev.coppice.gateway.trace.UrlQuery;
import java.time.Instant;
import java.util.Set;

/** Makes the spans of a request that is over, by OpenTelemetry's semantic conventions for HTTP. Pure functions. */
final class RequestSpans {
    private static final Set<String> METHODS =
            Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH");
    private static final int CLIENT_ERROR = 400;
    private static final int SERVER_ERROR = 500;

    private RequestSpans() {}

    /**
     * Hands over the span of the request, and those of its tries.
     *
     * @param nowNanos as the kernel's clock measures it, of the same moment as {@code now}
     */
    static void record(RequestTrace trace, RequestReport request, Instant now, long nowNanos) {
        // What was measured from the same origin becomes time of the day.
        long origin = now.getEpochSecond() * 1_000_000_000 + now.getNano() - nowNanos;
        trace.record(server(trace, request, origin));
        for (int i = 0; i < trace.tries().size(); i++) {
            trace.record(client(trace, request, trace.tries().get(i), i, origin));
        }
    }

    private static Span server(RequestTrace trace, RequestReport request, long origin) {
        String route = request.pathTemplate();
        TraceParent parent = trace.parent();
        Span span = new Span(
                        trace.place(),
                        parent == null ? 0 : parent.span(),
                        parent != null,
                        trace.traceState(),
                        Span.Kind.SERVER,
                        name(request, route))
                .lasted(origin + request.beginNanos(), origin + request.endNanos());
        method(span, request)
                .with("http.route", route)
                .with("http.response.status_code", request.status())
                .with("url.scheme", request.secure() ? "https" : "http")
                .with("url.path", request.path())
                .with("url.query", query(request.target()))
                .with("server.address", request.text(LogField.HOST))
                .with("server.port", request.port())
                .with("client.address", request.text(LogField.CLIENT))
                .with("network.peer.address", request.text(LogField.CLIENT))
                .with("network.protocol.version", request.protocolVersion())
                .with("user_agent.original", request.text(LogField.AGENT))
                .with("coppice.gateway.route", request.route())
                .with("coppice.gateway.reason", request.text(LogField.REASON))
                .with("coppice.gateway.cache", request.text(LogField.CACHE));
        return request.status() >= SERVER_ERROR ? span.failed(errorType(request)) : span;
    }

    private static String errorType(RequestReport request) {
        String reason = request.text(LogField.REASON);
        return reason == null || reason.isEmpty() ? Integer.toString(request.status()) : reason;
    }

    private static Span client(
            RequestTrace trace, RequestReport request, RequestTrace.Try each, int resends, long origin) {
        Span span = new Span(
                        trace.place().from(each.span),
                        trace.place().span(),
                        false,
                        trace.traceState(),
                        Span.Kind.CLIENT,
                        name(request, ""))
                .lasted(origin + each.beginNanos, origin + each.endNanos);
        String address = each.endpoint.address.getAddress().getHostAddress();
        method(span, request)
                .with(
                        "url.full",
                        UrlQuery.redacted((each.endpoint.tls == null ? "http://" : "https://")
                                + each.endpoint
                                + request.sentTarget()))
                .with("server.address", address)
                .with("server.port", each.endpoint.address.getPort())
                .with("network.peer.address", address)
                .with("network.peer.port", each.endpoint.address.getPort())
                .with("coppice.gateway.upstream", request.text(LogField.UPSTREAM));
        if (resends > 0) {
            span.with("http.request.resend_count", resends);
        }
        if (each.code > 0) {
            span.with("http.response.status_code", each.code);
        }
        if (!each.failure.isEmpty()) {
            return span.failed(each.failure);
        }
        return each.code >= CLIENT_ERROR ? span.failed(Integer.toString(each.code)) : span;
    }

    private static String name(RequestReport request, String route) {
        String method = request.text(LogField.METHOD);
        String known = method != null && METHODS.contains(method) ? method : "HTTP";
        return route.isEmpty() ? known : known + " " + route;
    }

    private static Span method(Span span, RequestReport request) {
        String method = request.text(LogField.METHOD);
        return method == null || METHODS.contains(method)
                ? span.with("http.request.method", method)
                : span.with("http.request.method", "_OTHER").with("http.request.method_original", method);
    }

    private static String query(String target) {
        int mark = target.indexOf('?');
        return mark < 0 ? "" : UrlQuery.redacted(target.substring(mark)).substring(1);
    }
}
