package dev.coppice.gateway.trace;

import org.jspecify.annotations.Nullable;

/**
 * Where requests stand in traces, in the headers of Zipkin: one, {@code b3}, or several, {@code X-B3-TraceId} and others. Pure functions.
 *
 * <p>Source: B3 Propagation Specification (openzipkin/b3-propagation), "Single Header" and "Multiple Headers".
 */
public final class B3 {
    private static final int SPAN_DIGITS = 16;
    private static final int TRACE_DIGITS = 32;

    private B3() {}

    /** Reads {@code b3}: {@code TRACE-SPAN-STATE-PARENT}, of which the last two may be missing, or the state alone; null when it is not valid. */
    public static @Nullable TraceContext single(String header) {
        String[] parts = header.split("-", -1);
        if (parts.length == 1) {
            return state(null, parts[0]);
        }
        TraceParent parent = parent(parts[0], parts[1]);
        if (parent == null || parts.length > 4 || parts.length == 4 && span(parts[3]) == 0) {
            return null;
        }
        return parts.length == 2 ? new TraceContext(parent, null, false, "") : state(parent, parts[2]);
    }

    private static @Nullable TraceContext state(@Nullable TraceParent parent, String state) {
        return switch (state) {
            case "1" -> decided(parent, true, false);
            case "0" -> decided(parent, false, false);
            case "d" -> decided(parent, true, true);
            default -> null;
        };
    }

    private static TraceContext decided(@Nullable TraceParent parent, boolean sampled, boolean debug) {
        return new TraceContext(parent == null ? null : parent.sampled(sampled), sampled, debug, "");
    }

    /**
     * Reads {@code X-B3-TraceId}, {@code X-B3-SpanId}, {@code X-B3-Sampled} and {@code X-B3-Flags}; null when they are not valid, or none is there.
     */
    public static @Nullable TraceContext multiple(
            @Nullable String trace, @Nullable String span, @Nullable String sampled, @Nullable String flags) {
        TraceParent parent = trace == null || span == null ? null : parent(trace, span);
        if (parent == null && (trace != null || span != null)) {
            return null;
        }
        if ("1".equals(flags)) {
            return decided(parent, true, true);
        }
        if (sampled == null) {
            return parent == null ? null : new TraceContext(parent, null, false, "");
        }
        return switch (sampled) {
            // What came before the specification is still sent.
            case "1", "true" -> decided(parent, true, false);
            case "0", "false" -> decided(parent, false, false);
            default -> null;
        };
    }

    /** The state of a trace, as both forms have it. */
    private static String state(TraceParent parent, boolean debug) {
        return debug ? "d" : parent.sampled() ? "1" : "0";
    }

    /** The value of {@code b3}. */
    public static String single(TraceParent parent, boolean debug) {
        return traceId(parent) + "-" + parent.spanId() + "-" + state(parent, debug);
    }

    /** The value of {@code X-B3-TraceId}: as short as it came, since some know no longer ones. */
    public static String traceId(TraceParent parent) {
        String whole = parent.traceId();
        return parent.traceHigh() == 0 ? whole.substring(SPAN_DIGITS) : whole;
    }

    private static @Nullable TraceParent parent(String trace, String span) {
        long from = span(span);
        boolean longer = trace.length() == TRACE_DIGITS;
        if (from == 0 || !longer && trace.length() != SPAN_DIGITS || !hexadecimal(trace)) {
            return null;
        }
        long high = longer ? Long.parseUnsignedLong(trace, 0, SPAN_DIGITS, 16) : 0;
        long low = Long.parseUnsignedLong(trace, trace.length() - SPAN_DIGITS, trace.length(), 16);
        return (high | low) == 0 ? null : new TraceParent(high, low, from, 0);
    }

    /** 0: it is none. */
    private static long span(String text) {
        return text.length() == SPAN_DIGITS && hexadecimal(text) ? Long.parseUnsignedLong(text, 16) : 0;
    }

    private static boolean hexadecimal(String text) {
        return text.chars().allMatch(c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f');
    }
}
