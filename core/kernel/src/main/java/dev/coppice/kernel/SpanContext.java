package dev.coppice.kernel;

import java.util.Optional;

/**
 * Which span work belongs to: a trace of 16 bytes and a span of 8, as W3C Trace Context has them. It is bound to the
 * running thread by {@link Telemetry#span}; mail does not carry it, so who wants it across processes puts it into the
 * message and takes it up by {@link #call}. Immutable.
 */
public record SpanContext(long traceHigh, long traceLow, long span) {
    private static final ScopedValue<SpanContext> CURRENT = ScopedValue.newInstance();

    /** The span that the calling thread is in. */
    public static Optional<SpanContext> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /** Runs work as part of this span. */
    public <T, X extends Throwable> T call(ScopedValue.CallableOp<? extends T, X> work) throws X {
        return ScopedValue.where(CURRENT, this).call(work);
    }

    /** Runs work as part of this span. */
    public void run(Runnable work) {
        ScopedValue.where(CURRENT, this).run(work);
    }

    /** The trace in 32 hexadecimal digits. */
    public String traceId() {
        return hex(traceHigh) + hex(traceLow);
    }

    /** The span in 16 hexadecimal digits. */
    public String spanId() {
        return hex(span);
    }

    /** As a {@code traceparent} header (W3C Trace Context, level 1), sampled. */
    public String traceparent() {
        return "00-" + traceId() + "-" + spanId() + "-01";
    }

    private static String hex(long value) {
        String digits = Long.toHexString(value);
        return "0".repeat(16 - digits.length()) + digits;
    }
}
