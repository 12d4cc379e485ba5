package dev.coppice.gateway.trace;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Where a request stands in a trace: the header {@code traceparent}. Immutable.
 *
 * <p>W3C Trace Context, level 1, 3.2; the flag for random identifiers is that of level 2.
 *
 * @param traceHigh the first eight bytes of the trace's identifier
 * @param traceLow its last eight bytes; not all 16 are zero
 * @param span who sent the request; not zero
 * @param flags {@link #SAMPLED}, {@link #RANDOM}; others are not passed on
 */
public record TraceParent(long traceHigh, long traceLow, long span, int flags) {
    /** Whoever sent it may have recorded its part. */
    public static final int SAMPLED = 1;

    /** The last seven bytes of the trace's identifier are random. */
    public static final int RANDOM = 2;

    private static final int KNOWN_FLAGS = SAMPLED | RANDOM;
    private static final int LENGTH = 55;
    private static final int INVALID_VERSION = 0xFF;

    public TraceParent {
        flags &= KNOWN_FLAGS;
    }

    /** The beginning of a trace, with random identifiers. */
    public static TraceParent random(RandomGenerator random) {
        return new TraceParent(random.nextLong() | 1, random.nextLong(), random.nextLong() | 1, RANDOM);
    }

    /** Reads a header; null when it is not valid. Of versions to come it reads what it knows. */
    public static @Nullable TraceParent parse(CharSequence header) {
        if (header.length() < LENGTH
                || header.charAt(2) != '-'
                || header.charAt(35) != '-'
                || header.charAt(52) != '-'
                || !hexadecimal(header, 0, 2)
                || !hexadecimal(header, 3, 35)
                || !hexadecimal(header, 36, 52)
                || !hexadecimal(header, 53, 55)) {
            return null;
        }
        long version = number(header, 0, 2);
        boolean longer = header.length() > LENGTH;
        if (version == INVALID_VERSION || longer && (version == 0 || header.charAt(LENGTH) != '-')) {
            return null;
        }
        TraceParent read = new TraceParent(
                number(header, 3, 19), number(header, 19, 35), number(header, 36, 52), (int) number(header, 53, 55));
        return read.span == 0 || (read.traceHigh | read.traceLow) == 0 ? null : read;
    }

    private static boolean hexadecimal(CharSequence text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
                return false;
            }
        }
        return true;
    }

    private static long number(CharSequence text, int from, int to) {
        long number = 0;
        for (int i = from; i < to; i++) {
            number = number << 4 | Character.digit(text.charAt(i), 16);
        }
        return number;
    }

    public boolean sampled() {
        return (flags & SAMPLED) != 0;
    }

    public boolean random() {
        return (flags & RANDOM) != 0;
    }

    /** The same, of the next sender. */
    public TraceParent from(long sender) {
        return new TraceParent(traceHigh, traceLow, sender, flags);
    }

    /** The same, sampled or not. */
    public TraceParent sampled(boolean on) {
        return new TraceParent(traceHigh, traceLow, span, on ? flags | SAMPLED : flags & ~SAMPLED);
    }

    /** In 32 hexadecimal digits. */
    public String traceId() {
        StringBuilder text = new StringBuilder(32);
        hex(text, traceHigh);
        hex(text, traceLow);
        return text.toString();
    }

    /** In 16 hexadecimal digits. */
    public String spanId() {
        StringBuilder text = new StringBuilder(16);
        hex(text, span);
        return text.toString();
    }

    /** As the header has it, of version 0. */
    public String header() {
        StringBuilder text = new StringBuilder(LENGTH).append("00-");
        hex(text, traceHigh);
        hex(text, traceLow);
        text.append('-');
        hex(text, span);
        return text.append("-0").append((char) ('0' + flags)).toString();
    }

    private static void hex(StringBuilder to, long value) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            to.append(Character.forDigit((int) (value >>> shift) & 15, 16));
        }
    }
}
