package dev.coppice.gateway.cache;

import dev.coppice.gateway.config.ContentConfig;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How long an answer is fresh, and what may be done with it afterwards (RFC 9111, 4.2). Times are in seconds where nothing else is said. Immutable.
 *
 * @param lifetime from its making
 * @param said whether the answer says so itself
 * @param initialAgeMillis how old it was when its head came
 * @param receivedNanos when that was, by the monotonic clock
 * @param alwaysAsks whether it may not be used without asking the endpoint ({@code no-cache})
 * @param whileRevalidate how long it may be served stale while the endpoint is asked
 * @param ifError how long it may be served stale when the endpoint cannot answer
 * @param maxStale whether clients may take it stale
 */
public record Freshness(
        long lifetime,
        boolean said,
        long initialAgeMillis,
        long receivedNanos,
        boolean alwaysAsks,
        long whileRevalidate,
        long ifError,
        boolean maxStale) {

    /** RFC 9110, 15.1. Parts are not kept. */
    private static final Set<Integer> HEURISTIC = Set.of(200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501);

    /** For which a time that is configured counts. */
    private static final Set<Integer> LASTING = Set.of(200, 203, 204, 300, 301, 308);

    private static final int HEURISTIC_SHARE = 10;
    private static final long MOST_HEURISTIC = 24 * 60 * 60;
    private static final long MILLIS = 1_000;
    private static final long NANOS_A_MILLI = 1_000_000;

    /**
     * When an answer came.
     *
     * @param askedNanos when it was asked for, by the monotonic clock
     * @param receivedNanos when its head came
     * @param receivedSeconds the same by the clock of the machine, since 1970
     */
    public record Times(long askedNanos, long receivedNanos, long receivedSeconds) {}

    /**
     * Reads an answer.
     *
     * @param guesses whether more may be done with it than it says; not when it may be for one client
     */
    static Freshness of(
            int status,
            FieldValues answer,
            CacheControl said,
            Times times,
            ContentConfig.Cache settings,
            boolean guesses) {
        Long date = HttpDate.read(answer.only("date"), times.receivedSeconds);
        long made = date == null ? times.receivedSeconds : date;
        Long explicit = explicit(answer, said, made, times.receivedSeconds);
        long lifetime = explicit != null ? explicit : guesses ? guessed(status, answer, made, times, settings) : 0;
        boolean strict = said.mustRevalidate() || said.proxyRevalidate() || said.noCache();
        // s-maxage has the meaning of proxy-revalidate (RFC 9111, 5.2.2.10), which an answer that itself names a time
        // overrules.
        boolean unsaid = guesses && !strict && said.sharedMaxAge() == CacheControl.UNSAID;
        return new Freshness(
                lifetime,
                explicit != null,
                initialAgeMillis(answer, made, times),
                times.receivedNanos,
                said.noCache(),
                stale(strict, unsaid, said.staleWhileRevalidate(), settings.staleWhileRevalidateSeconds()),
                stale(strict, unsaid, said.staleIfError(), settings.staleIfErrorSeconds()),
                unsaid);
    }

    private static long stale(boolean strict, boolean unsaid, long said, long configured) {
        if (strict) {
            return 0;
        }
        if (said != CacheControl.UNSAID) {
            return said;
        }
        return unsaid ? configured : 0;
    }

    /** RFC 9111, 4.2.1. */
    private static @Nullable Long explicit(FieldValues answer, CacheControl said, long made, long now) {
        if (said.sharedMaxAge() != CacheControl.UNSAID) {
            return said.sharedMaxAge();
        }
        if (said.maxAge() != CacheControl.UNSAID) {
            return said.maxAge();
        }
        if (!answer.has("expires")) {
            return null;
        }
        // What cannot be read, such as 0, is past (RFC 9111, 5.3).
        Long expires = HttpDate.read(answer.only("expires"), now);
        return expires == null ? 0 : Math.clamp(expires - made, 0, CacheControl.MOST_SECONDS);
    }

    /** RFC 9111, 4.2.2. */
    private static long guessed(int status, FieldValues answer, long made, Times times, ContentConfig.Cache settings) {
        if (settings.defaultTtlSeconds() > 0 && LASTING.contains(status)) {
            return settings.defaultTtlSeconds();
        }
        Long modified = HttpDate.read(answer.only("last-modified"), times.receivedSeconds);
        return modified == null || !HEURISTIC.contains(status)
                ? 0
                : Math.clamp((made - modified) / HEURISTIC_SHARE, 0, MOST_HEURISTIC);
    }

    /** RFC 9111, 4.2.3. */
    private static long initialAgeMillis(FieldValues answer, long made, Times times) {
        long apparent = Math.max(0, times.receivedSeconds - made) * MILLIS;
        long delay = Math.max(0, times.receivedNanos - times.askedNanos) / NANOS_A_MILLI;
        return Math.max(apparent, ageField(answer) * MILLIS + delay);
    }

    /** Of a list, which should not be, the first counts; one that is no number does not (RFC 9111, 5.1). */
    private static long ageField(FieldValues answer) {
        String field = answer.joined("age");
        if (field == null) {
            return 0;
        }
        int comma = field.indexOf(',');
        long age = Syntax.number((comma < 0 ? field : field.substring(0, comma)).strip(), 18);
        return Math.clamp(age, 0, CacheControl.MOST_SECONDS);
    }

    /** Its age in seconds. */
    public long age(long nowNanos) {
        return ageMillis(nowNanos) / MILLIS;
    }

    private long ageMillis(long nowNanos) {
        return initialAgeMillis + Math.max(0, nowNanos - receivedNanos) / NANOS_A_MILLI;
    }

    /** How long it is still fresh, in milliseconds; below 0 how long it has not been so. */
    long leftMillis(long nowNanos) {
        return lifetime * MILLIS - ageMillis(nowNanos);
    }

    /** The same in whole seconds, never more than there is. */
    public long left(long nowNanos) {
        return Math.floorDiv(leftMillis(nowNanos), MILLIS);
    }

    /** Whether it may be served though the endpoint cannot answer: where nobody allows that, an error is not hidden, be it fresh or not. */
    public boolean standsIn(long nowNanos) {
        return !alwaysAsks && ifError > 0 && -leftMillis(nowNanos) <= ifError * MILLIS;
    }

    /** Whether it may be served while the endpoint is asked. */
    boolean refreshable(long nowNanos) {
        return !alwaysAsks && whileRevalidate > 0 && -leftMillis(nowNanos) <= whileRevalidate * MILLIS;
    }

    /** Whether another request could be answered with it, without asking, when it came. */
    public boolean lasts() {
        return !alwaysAsks && leftMillis(receivedNanos) > 0 || refreshable(receivedNanos);
    }
}
