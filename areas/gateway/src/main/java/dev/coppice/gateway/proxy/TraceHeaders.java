package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ObservationConfig.Propagation;
import dev.coppice.gateway.trace.B3;
import dev.coppice.gateway.trace.TraceContext;
import dev.coppice.gateway.trace.TraceParent;
import dev.coppice.gateway.trace.TraceState;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The headers by which requests say where they stand in traces. Immutable. */
final class TraceHeaders {
    private static final AsciiString TRACEPARENT = AsciiString.cached("traceparent");
    private static final AsciiString TRACESTATE = AsciiString.cached("tracestate");
    private static final AsciiString SINGLE = AsciiString.cached("b3");
    private static final AsciiString TRACE = AsciiString.cached("x-b3-traceid");
    private static final AsciiString SPAN = AsciiString.cached("x-b3-spanid");
    private static final AsciiString PARENT = AsciiString.cached("x-b3-parentspanid");
    private static final AsciiString SAMPLED = AsciiString.cached("x-b3-sampled");
    private static final AsciiString FLAGS = AsciiString.cached("x-b3-flags");

    private final List<Propagation> forms;

    /** @param forms that are read, the first one first, and written */
    TraceHeaders(List<Propagation> forms) {
        this.forms = List.copyOf(forms);
    }

    /** What the first of the forms says that is there and valid. */
    TraceContext read(HttpHeaders headers) {
        for (int i = 0; i < forms.size(); i++) {
            TraceContext read = switch (forms.get(i)) {
                case W3C -> w3c(headers);
                case B3 -> {
                    String given = only(headers, SINGLE);
                    yield given == null ? null : B3.single(given);
                }
                case B3_MULTI ->
                    B3.multiple(
                            only(headers, TRACE), only(headers, SPAN), only(headers, SAMPLED), only(headers, FLAGS));
            };
            if (read != null) {
                return forms.get(i) == Propagation.W3C ? read : alone(headers, read);
            }
        }
        return alone(headers, TraceContext.NONE);
    }

    /** What vendors noted in {@code tracestate} belongs to another trace, or to none. */
    private TraceContext alone(HttpHeaders headers, TraceContext read) {
        if (forms.contains(Propagation.W3C)) {
            headers.remove(TRACESTATE);
        }
        return read;
    }

    private static @Nullable TraceContext w3c(HttpHeaders headers) {
        String given = only(headers, TRACEPARENT);
        TraceParent parent = given == null ? null : TraceParent.parse(given);
        if (parent == null) {
            return null;
        }
        String state = String.join(",", headers.getAll(TRACESTATE));
        if (!TraceState.valid(state)) {
            state = "";
            headers.remove(TRACESTATE);
        }
        return new TraceContext(parent, parent.sampled(), false, state);
    }

    /** One that is there twice says nothing. */
    private static @Nullable String only(HttpHeaders headers, AsciiString name) {
        String first = headers.get(name);
        return first == null || headers.getAll(name).size() > 1 ? null : first;
    }

    /** Says it in all of the forms, in place of what was there. */
    void write(HttpHeaders headers, TraceParent place, boolean debug) {
        for (int i = 0; i < forms.size(); i++) {
            switch (forms.get(i)) {
                case W3C -> headers.set(TRACEPARENT, place.header());
                case B3 -> headers.set(SINGLE, B3.single(place, debug));
                case B3_MULTI -> {
                    headers.set(TRACE, B3.traceId(place));
                    headers.set(SPAN, place.spanId());
                    headers.remove(PARENT);
                    if (debug) {
                        headers.set(FLAGS, "1");
                        headers.remove(SAMPLED);
                    } else {
                        headers.set(SAMPLED, place.sampled() ? "1" : "0");
                        headers.remove(FLAGS);
                    }
                }
            }
        }
    }
}
