package dev.coppice.gateway.cache;

/** What a kept answer is good for when a request comes (RFC 9111, 4). */
public enum Reuse {
    /** It is fresh enough. */
    FRESH,
    /** It is stale, and the client takes it so. */
    STALE,
    /** It is stale, and may be served while the endpoint is asked (RFC 5861, 3). */
    REFRESH,
    /** The endpoint has to be asked whether it still is the same. */
    VALIDATE,
    /** The same, since the client wants that. */
    VALIDATE_FOR_CLIENT;

    private static final long MILLIS = 1_000;

    /**
     * Decides.
     *
     * @param asked of the request; {@link CacheControl#NONE} where that does not count
     */
    public static Reuse of(Freshness freshness, CacheControl asked, long nowNanos) {
        if (freshness.alwaysAsks()) {
            return VALIDATE;
        }
        long left = freshness.leftMillis(nowNanos);
        if (asked.noCache()) {
            return VALIDATE_FOR_CLIENT;
        }
        boolean wantsFresher = asked.maxAge() != CacheControl.UNSAID && freshness.age(nowNanos) > asked.maxAge()
                || asked.minFresh() != CacheControl.UNSAID && left < asked.minFresh() * MILLIS;
        if (left > 0 && !wantsFresher) {
            return FRESH;
        }
        if (takesStale(freshness, asked, left, nowNanos)) {
            return left > 0 ? FRESH : STALE;
        }
        if (wantsFresher) {
            return VALIDATE_FOR_CLIENT;
        }
        return freshness.refreshable(nowNanos) ? REFRESH : VALIDATE;
    }

    /** RFC 9111, 5.2.1.2: past its time by so much, be that its own or the client's. */
    private static boolean takesStale(Freshness freshness, CacheControl asked, long left, long nowNanos) {
        if (asked.maxStale() == CacheControl.UNSAID
                || asked.minFresh() != CacheControl.UNSAID
                || !freshness.maxStale()) {
            return false;
        }
        if (asked.maxStale() == CacheControl.ANY) {
            return true;
        }
        long past = -left;
        if (asked.maxAge() != CacheControl.UNSAID) {
            past = Math.max(past, (freshness.age(nowNanos) - asked.maxAge()) * MILLIS);
        }
        return past <= asked.maxStale() * MILLIS;
    }
}
