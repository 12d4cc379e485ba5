package dev.coppice.gateway.cache;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the {@code Cache-Control} of a message says (RFC 9111, 5.2; RFC 5861). A directive with names of fields ({@code private="a"}) counts as one
 * without, as most caches read it; of a directive that is there more than once the stricter counts. Immutable.
 */
public final class CacheControl {
    /** Of a time: it is not said. */
    public static final long UNSAID = -1;

    /** Of {@code max-stale}: however long. */
    public static final long ANY = Long.MAX_VALUE;

    /** Of nothing. */
    public static final CacheControl NONE = new CacheControl();

    /** Longer times count as this one (RFC 9111, 1.2.2). */
    static final long MOST_SECONDS = 1L << 31;

    private static final int MOST_CHARACTERS = 8_192;
    private static final int MOST_DIRECTIVES = 64;
    private static final int MOST_DIGITS = 18;

    private boolean noStore;
    private boolean noCache;
    private boolean personal;
    private boolean open;
    private boolean mustRevalidate;
    private boolean proxyRevalidate;
    private boolean mustUnderstand;
    private boolean onlyIfCached;
    private long maxAge = UNSAID;
    private long sharedMaxAge = UNSAID;
    private long maxStale = UNSAID;
    private long minFresh = UNSAID;
    private long staleWhileRevalidate = UNSAID;
    private long staleIfError = UNSAID;
    private boolean malformed;

    private CacheControl() {}

    /** Reads all lines of a message. What comes after something that is no directive is not read: see {@link #malformed}. */
    public static CacheControl read(List<String> lines) {
        if (lines.isEmpty()) {
            return NONE;
        }
        CacheControl read = new CacheControl();
        String all = String.join(",", lines);
        if (all.length() > MOST_CHARACTERS) {
            read.malformed = true;
        } else {
            new Reader(all, read).read();
        }
        return read;
    }

    /** Of a request: {@code Pragma: no-cache} counts where nothing else is said (RFC 9111, 5.4). */
    public static CacheControl ofRequest(FieldValues request) {
        List<String> lines = request.all("cache-control");
        if (!lines.isEmpty()) {
            return read(lines);
        }
        String pragma = request.joined("pragma");
        return pragma != null && pragma.strip().equalsIgnoreCase("no-cache") ? read(List.of("no-cache")) : NONE;
    }

    private static final class Reader {
        private final String text;
        private final CacheControl into;
        private int at;

        Reader(String text, CacheControl into) {
            this.text = text;
            this.into = into;
        }

        void read() {
            int directives = 0;
            while (true) {
                while (at < text.length() && (Syntax.space(text.charAt(at)) || text.charAt(at) == ',')) {
                    at++;
                }
                if (at == text.length()) {
                    return;
                }
                String name = token();
                String value = null;
                if (at < text.length() && text.charAt(at) == '=') {
                    at++;
                    value = at < text.length() && text.charAt(at) == '"' ? quoted() : token();
                }
                while (at < text.length() && Syntax.space(text.charAt(at))) {
                    at++;
                }
                boolean ended = at == text.length() || text.charAt(at) == ',';
                if (name.isEmpty() || value != null && value.isEmpty() || !ended || ++directives > MOST_DIRECTIVES) {
                    into.malformed = true;
                    return;
                }
                into.take(name.toLowerCase(Locale.ROOT), value);
            }
        }

        private String token() {
            int from = at;
            while (at < text.length() && Syntax.tokenCharacter(text.charAt(at))) {
                at++;
            }
            return text.substring(from, at);
        }

        /** Empty when it has no end. */
        private String quoted() {
            StringBuilder value = new StringBuilder();
            for (at++; at < text.length(); at++) {
                char c = text.charAt(at);
                if (c == '"') {
                    at++;
                    // An empty one is a value, too.
                    return value.isEmpty() ? " " : value.toString();
                }
                if (c == '\\' && ++at < text.length()) {
                    c = text.charAt(at);
                }
                value.append(c);
            }
            at = text.length();
            return "";
        }
    }

    private void take(String name, @Nullable String value) {
        switch (name) {
            case "no-store" -> noStore = true;
            case "no-cache" -> noCache = true;
            case "private" -> personal = true;
            case "public" -> open = true;
            case "must-revalidate" -> mustRevalidate = true;
            case "proxy-revalidate" -> proxyRevalidate = true;
            case "must-understand" -> mustUnderstand = true;
            case "only-if-cached" -> onlyIfCached = true;
            // A lifetime that cannot be read is none (RFC 9111, 4.2.1).
            case "max-age" -> maxAge = least(maxAge, Math.max(0, seconds(value)));
            case "s-maxage" -> sharedMaxAge = least(sharedMaxAge, Math.max(0, seconds(value)));
            case "min-fresh" -> minFresh = Math.max(minFresh, seconds(value));
            case "max-stale" -> maxStale = least(maxStale, value == null ? ANY : seconds(value));
            case "stale-while-revalidate" -> staleWhileRevalidate = least(staleWhileRevalidate, seconds(value));
            case "stale-if-error" -> staleIfError = least(staleIfError, seconds(value));
            default -> {
                // Unknown ones are ignored (RFC 9111, 5.2.3).
            }
        }
    }

    private static long least(long before, long now) {
        return before == UNSAID ? now : Math.min(before, now);
    }

    private static long seconds(@Nullable String value) {
        if (value == null) {
            return UNSAID;
        }
        if (value.length() > MOST_DIGITS && value.chars().allMatch(each -> Syntax.digit((char) each))) {
            return MOST_SECONDS;
        }
        return Math.min(MOST_SECONDS, Syntax.number(value, MOST_DIGITS));
    }

    public boolean noStore() {
        return noStore;
    }

    public boolean noCache() {
        return noCache;
    }

    /** {@code private}. */
    public boolean personal() {
        return personal;
    }

    /** {@code public}. */
    public boolean open() {
        return open;
    }

    public boolean mustRevalidate() {
        return mustRevalidate;
    }

    public boolean proxyRevalidate() {
        return proxyRevalidate;
    }

    public boolean mustUnderstand() {
        return mustUnderstand;
    }

    public boolean onlyIfCached() {
        return onlyIfCached;
    }

    /** In seconds, as all times; {@link #UNSAID} when it is not there. */
    public long maxAge() {
        return maxAge;
    }

    /** {@code s-maxage}. */
    public long sharedMaxAge() {
        return sharedMaxAge;
    }

    /** {@link #ANY} without a value. */
    public long maxStale() {
        return maxStale;
    }

    public long minFresh() {
        return minFresh;
    }

    /** RFC 5861, 3. */
    public long staleWhileRevalidate() {
        return staleWhileRevalidate;
    }

    /** RFC 5861, 4. */
    public long staleIfError() {
        return staleIfError;
    }

    /** Whether something of it is no directive, so that nobody knows what else was meant. */
    public boolean malformed() {
        return malformed;
    }
}
