package dev.coppice.gateway.file;

import dev.coppice.gateway.cache.ByteRange;
import dev.coppice.gateway.cache.HttpDate;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import org.jspecify.annotations.Nullable;

/**
 * Which state of a file it is, and what a request wants of it (RFC 9110, 13 and 14). Immutable.
 *
 * @param tag a strong entity tag, in quotes
 * @param modifiedSeconds since 1970; less than zero: nobody knows
 * @param size bytes
 */
public record FileVersion(String tag, long modifiedSeconds, long size) {

    /** What of it is the answer. */
    public sealed interface Wanted {
        /** All of it: 200. */
        record Whole() implements Wanted {}

        /**
         * A part: 206.
         *
         * @param from its first byte
         * @param to its last byte
         */
        record Part(long from, long to) implements Wanted {}

        /** Nothing, as it is known: 304. */
        record Known() implements Wanted {}

        /** Nothing, as it is another than is wanted: 412. */
        record Another() implements Wanted {}

        /** Nothing, as it has no such part: 416. */
        record NoSuchPart() implements Wanted {}
    }

    /** The headers of a request; several of a name are joined by commas. */
    @FunctionalInterface
    public interface Headers {
        /** Null when there is none. */
        @Nullable
        String get(String name);
    }

    private static final Wanted WHOLE = new Wanted.Whole();

    /** The version of the same in an encoding, which is another representation (RFC 9110, 8.8.3.3). */
    FileVersion encoded(Encoding by) {
        return new FileVersion(tag.substring(0, tag.length() - 1) + "-" + by.token() + '"', modifiedSeconds, size);
    }

    /** The date as headers have it; null when nobody knows. */
    public @Nullable String modified() {
        return modifiedSeconds < 0 ? null : HttpDate.text(modifiedSeconds);
    }

    /** What a request wants, in the order of RFC 9110, 13.2.2. What is malformed is as if it were not there. */
    public Wanted wanted(Headers headers) {
        String match = headers.get("if-match");
        if (match != null) {
            if (!lists(match, false)) {
                return new Wanted.Another();
            }
        } else {
            long since = seconds(headers.get("if-unmodified-since"));
            if (since >= 0 && modifiedSeconds > since) {
                return new Wanted.Another();
            }
        }
        String none = headers.get("if-none-match");
        if (none != null) {
            if (lists(none, true)) {
                return new Wanted.Known();
            }
        } else {
            long since = seconds(headers.get("if-modified-since"));
            if (since >= 0 && modifiedSeconds >= 0 && modifiedSeconds <= since) {
                return new Wanted.Known();
            }
        }
        String range = headers.get("range");
        return range == null || !same(headers.get("if-range")) ? WHOLE : part(range);
    }

    /** Whether a list of tags has this one. */
    private boolean lists(String tags, boolean weak) {
        if (tags.strip().equals("*")) {
            return true;
        }
        for (String each : tags.split(",", -1)) {
            String other = each.strip();
            if (other.equals(tag)
                    || weak && other.startsWith("W/") && other.substring(2).equals(tag)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a part can be added to what somebody has (RFC 9110, 13.1.5): by strong comparison. */
    private boolean same(@Nullable String ifRange) {
        return ifRange == null || (ifRange.startsWith("\"") ? ifRange.equals(tag) : ifRange.equals(modified()));
    }

    private Wanted part(String range) {
        return switch (ByteRange.read(range, size)) {
            case ByteRange.Whole _ -> WHOLE;
            case ByteRange.Part part -> new Wanted.Part(part.first(), part.last());
            case ByteRange.Unsatisfiable _ -> new Wanted.NoSuchPart();
        };
    }

    private long seconds(@Nullable String date) {
        Long read = HttpDate.read(date, Math.max(0, modifiedSeconds));
        return read == null ? -1 : read;
    }
}
