package dev.coppice.gateway.trace;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A piece of work that belongs to a trace, named and described by OpenTelemetry's semantic conventions for HTTP (1.40). For one thread until it is
 * handed over, and not changed afterwards.
 */
public final class Span {
    /** Whose side of a request it is. */
    public enum Kind {
        SERVER,
        CLIENT
    }

    /**
     * Something that is known of it.
     *
     * @param value a String or a Long
     */
    public record Attribute(String name, Object value) {}

    final TraceParent place;
    final long parent;
    final boolean parentRemote;
    final String traceState;
    final Kind kind;
    /** Of a value, which is cut there: clients choose how long their headers and targets are. */
    private static final int MOST_CHARACTERS = 1_024;

    final String name;
    final List<Attribute> attributes = new ArrayList<>();
    long beginNanos;
    long endNanos;
    boolean failed;

    /**
     * Begins one.
     *
     * @param place its own
     * @param parent the span that it is part of; 0: it is the first one
     * @param parentRemote whether that is somebody else's
     */
    public Span(TraceParent place, long parent, boolean parentRemote, String traceState, Kind kind, String name) {
        this.place = place;
        this.parent = parent;
        this.parentRemote = parentRemote;
        this.traceState = traceState;
        this.kind = kind;
        this.name = name;
    }

    /** Nanoseconds since 1970-01-01T00:00:00Z. */
    public Span lasted(long begin, long end) {
        beginNanos = begin;
        endNanos = Math.max(begin, end);
        return this;
    }

    /** Adds what is known; nothing for null and the empty text. */
    public Span with(String attribute, @Nullable String value) {
        if (value != null && !value.isEmpty()) {
            attributes.add(new Attribute(
                    attribute, value.length() > MOST_CHARACTERS ? value.substring(0, MOST_CHARACTERS) : value));
        }
        return this;
    }

    public Span with(String attribute, long value) {
        attributes.add(new Attribute(attribute, value));
        return this;
    }

    /** It did not go well, in a word. */
    public Span failed(String type) {
        failed = true;
        return with("error.type", type);
    }
}
