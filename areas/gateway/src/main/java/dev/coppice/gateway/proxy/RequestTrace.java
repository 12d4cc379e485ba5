package dev.coppice.gateway.proxy;

import dev.coppice.expression.Variables;
import dev.coppice.gateway.trace.Span;
import dev.coppice.gateway.trace.TraceContext;
import dev.coppice.gateway.trace.TraceParent;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The trace that a request belongs to, and, when it is recorded, the spans of it that are the gateway's: one of the request, and one of each try at
 * an endpoint. Used on its event loop only.
 */
final class RequestTrace {
    /** Of one request; further ones are not recorded. */
    private static final int MOST_TRIES = 32;

    /** A try at an endpoint. */
    static final class Try {
        final Upstream.Target endpoint;
        final long span;
        final long beginNanos;
        long endNanos;
        int code;
        String failure = "";

        private Try(Upstream.Target endpoint, long span, long now) {
            this.endpoint = endpoint;
            this.span = span;
            this.beginNanos = now;
            this.endNanos = now;
        }
    }

    private final EventLoopState state;
    private final Tracing tracing;
    /** What is sent to endpoints: with the gateway's own span when it is recorded, else with that of whoever sent the request. */
    private final TraceParent place;

    private final @Nullable TraceParent parent;
    private final String traceState;
    private final boolean debug;
    private List<Try> tries = List.of();
    private @Nullable Try running;

    private RequestTrace(
            EventLoopState state,
            Tracing tracing,
            TraceParent place,
            @Nullable TraceParent parent,
            String traceState,
            boolean debug) {
        this.state = state;
        this.tracing = tracing;
        this.place = place;
        this.parent = parent;
        this.traceState = traceState;
        this.debug = debug;
    }

    /** Goes on with the trace that a request brings, or begins one. What of it is not valid is taken out of the request. */
    static RequestTrace begin(Tracing tracing, EventLoopState state, HttpHeaders headers, Variables request) {
        TraceContext given = tracing.headers().read(headers);
        TraceParent parent = given.parent();
        TraceParent trace = parent == null ? TraceParent.random(state.random) : parent;
        boolean sampled = tracing.sampler().decided(given)
                ? Boolean.TRUE.equals(given.decided())
                : tracing.takes(trace, state.random.nextLong(), request, state.plane.metrics);
        TraceParent place = (parent != null && (sampled || parent.sampled())
                        ? trace.from(state.random.nextLong() | 1)
                        : trace)
                .sampled(sampled);
        boolean debug = given.debug() && tracing.sampler().follows();
        RequestTrace made = new RequestTrace(state, tracing, place, parent, given.state(), debug);
        made.pass(headers, place);
        return made;
    }

    private void pass(HttpHeaders headers, TraceParent from) {
        tracing.headers().write(headers, from, debug);
    }

    boolean sampled() {
        return place.sampled();
    }

    /** Where the gateway stands in it. */
    TraceParent place() {
        return place;
    }

    @Nullable
    TraceParent parent() {
        return parent;
    }

    String traceState() {
        return traceState;
    }

    List<Try> tries() {
        return tries;
    }

    // ---- tries, as their delivery tells of them

    void begin(Upstream.Target endpoint, long now) {
        end(now);
        if (sampled() && tries.size() < MOST_TRIES) {
            if (tries.isEmpty()) {
                tries = new ArrayList<>(1);
            }
            Try made = new Try(endpoint, state.random.nextLong() | 1, now);
            running = made;
            tries.add(made);
        }
    }

    /** The request's head is about to be sent. */
    void send(HttpHeaders headers) {
        Try now = running;
        // Filters may have changed what was there.
        pass(headers, now == null ? place : place.from(now.span));
    }

    void answered(int code) {
        if (running != null) {
            running.code = code;
        }
    }

    void failed(String word) {
        if (running != null && running.failure.isEmpty()) {
            running.failure = word;
        }
    }

    /** The try that is running, if there is one, is over. */
    void end(long now) {
        Try over = running;
        running = null;
        if (over != null) {
            over.endNanos = now;
        }
    }

    /** Hands a span over. */
    void record(Span span) {
        state.record(tracing.exporter(), span);
    }
}
