package dev.coppice.gateway.cache;

import org.jspecify.annotations.Nullable;

/** What a cache did with a request, as a member of {@code Cache-Status} (RFC 9211). Immutable. */
public record CacheStatus(
        boolean hit,
        @Nullable Forward forward,
        int forwardStatus,
        boolean stored,
        boolean collapsed,
        @Nullable Long ttl,
        @Nullable String detail) {

    /** By what this cache is known. */
    private static final String NAME = "coppice";

    /** Why a request went on (RFC 9211, 2.2). */
    public enum Forward {
        /** The request is not one that a cache can answer. */
        BYPASS("bypass"),
        METHOD("method"),
        /** Nothing is kept for its URI. */
        URI_MISS("uri-miss"),
        /** What is kept is for other requests. */
        VARY_MISS("vary-miss"),
        /** The client wanted that. */
        REQUEST("request"),
        STALE("stale"),
        /** A part was asked for, of what is not kept. */
        PARTIAL("partial");

        private final String token;

        Forward(String token) {
            this.token = token;
        }

        /** As the field has it. */
        public String token() {
            return token;
        }
    }

    /** Answered from the cache. */
    public static CacheStatus hit(long ttl, boolean collapsed) {
        return new CacheStatus(true, null, 0, false, collapsed, ttl, null);
    }

    /** Sent on. */
    public static CacheStatus forwarded(Forward why) {
        return new CacheStatus(false, why, 0, false, false, null, null);
    }

    /** @param status of the endpoint's answer */
    public CacheStatus answered(int status) {
        return new CacheStatus(hit, forward, status, stored, collapsed, ttl, detail);
    }

    /** @param left how long it is fresh, in seconds */
    public CacheStatus kept(long left) {
        return new CacheStatus(hit, forward, forwardStatus, true, collapsed, left, detail);
    }

    /** @param word a token that says more */
    public CacheStatus because(String word) {
        return new CacheStatus(hit, forward, forwardStatus, stored, collapsed, ttl, word);
    }

    /** In the form of a structured field (RFC 8941). */
    public String text() {
        StringBuilder text = new StringBuilder(NAME);
        if (hit) {
            text.append("; hit");
        }
        if (forward != null) {
            text.append("; fwd=").append(forward.token);
        }
        if (forwardStatus > 0) {
            text.append("; fwd-status=").append(forwardStatus);
        }
        if (stored) {
            text.append("; stored");
        }
        if (collapsed) {
            text.append("; collapsed");
        }
        if (ttl != null) {
            text.append("; ttl=").append(ttl.longValue());
        }
        if (detail != null) {
            text.append("; detail=").append(detail);
        }
        return text.toString();
    }
}
