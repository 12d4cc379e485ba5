package dev.coppice.gateway.proxy;

import dev.coppice.gateway.limit.KeyHash;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * What the limits of a rule said about a request, each asked in turn until one refuses; and what has to be given back when the request
 * ends. Used on its event loop only.
 *
 * <p>Header fields: draft-ietf-httpapi-ratelimit-headers (as of its version 8, October 2024).
 */
final class Admission {
    private static final AsciiString POLICY = AsciiString.cached("ratelimit-policy");
    private static final AsciiString STATE = AsciiString.cached("ratelimit");
    private static final long SECOND_NANOS = 1_000_000_000;

    private final RateLimit[] limits;
    private final long[] keys;
    private final long[] outcomes;
    /** Those that were asked. */
    private final boolean[] asked;

    private final long now;
    private @Nullable RateLimit refusing;
    private long retryNanos;
    private boolean over;

    private Admission(RateLimit[] limits, long now) {
        this.limits = limits;
        this.keys = new long[limits.length];
        this.outcomes = new long[limits.length];
        this.asked = new boolean[limits.length];
        this.now = now;
    }

    /** Asks the limits; what passes has to be {@linkplain #end ended}. */
    static Admission ask(RateLimit[] limits, LimitedRequest request, KeyHash hash, long now) {
        Admission made = new Admission(limits, now);
        for (int i = 0; i < limits.length && made.refusing == null; i++) {
            RateLimit limit = limits[i];
            if (limit.counts(request)) {
                long key = limit.key(hash, request);
                long outcome = limit.take(key, now);
                made.keys[i] = key;
                made.outcomes[i] = outcome;
                made.asked[i] = true;
                if (limit.refuses(outcome)) {
                    made.refusing = limit;
                    made.retryNanos = limit.retryNanos(outcome, now);
                }
            }
        }
        return made;
    }

    boolean refused() {
        return refusing != null;
    }

    /** The limit that refuses; empty when none does. */
    String refusedBy() {
        RateLimit limit = refusing;
        return limit == null ? "" : limit.name();
    }

    /** What a client whose request is refused is told. */
    DefaultFullHttpResponse refusal(HttpHeaders request) {
        // Where nobody knows, as with concurrency, a second is a guess that keeps clients from asking at once.
        long seconds = Math.max(1, Math.ceilDiv(retryNanos, SECOND_NANOS));
        DefaultFullHttpResponse answer = LocalAnswer.of(
                HttpResponseStatus.TOO_MANY_REQUESTS, "too many requests; try again in " + seconds + " s", request);
        answer.headers().set(HttpHeaderNames.RETRY_AFTER, Long.toString(seconds));
        return answer;
    }

    /** Says in an answer which limits there are, and what they have left; beside what a backend says of its own. */
    void tell(HttpHeaders answer) {
        StringBuilder policies = null;
        StringBuilder states = null;
        for (int i = 0; i < limits.length; i++) {
            RateLimit limit = limits[i];
            if (asked[i] && limit.tells()) {
                if (policies == null || states == null) {
                    policies = new StringBuilder(48);
                    states = new StringBuilder(48);
                } else {
                    policies.append(", ");
                    states.append(", ");
                }
                policies.append(limit.policy());
                limit.state(states, outcomes[i], now);
            }
        }
        if (policies != null && states != null) {
            answer.add(POLICY, policies.toString());
            answer.add(STATE, states.toString());
        }
    }

    /** The request is over, however it ended: what is counted while it lasts is given back. */
    void end() {
        if (over) {
            return;
        }
        over = true;
        for (int i = 0; i < limits.length; i++) {
            if (asked[i]) {
                limits[i].giveBack(keys[i], outcomes[i]);
            }
        }
    }
}
