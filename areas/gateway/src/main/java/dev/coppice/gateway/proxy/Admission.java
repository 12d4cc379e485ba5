package dev.coppice.gateway.proxy;

import dev.coppice.gateway.share.SharedLimit;
import dev.coppice.gateway.share.SharedOutcome;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * What the limits of a rule said about a request, each asked in turn until one refuses; and what has to be given back when the request
 * ends. Where a key is another node's the answer may come later, and the request waits for it. Used on its event loop only.
 *
 * <p>Header fields: draft-ietf-httpapi-ratelimit-headers (as of its version 8, October 2024).
 */
final class Admission implements SharedLimit.Decided {
    private static final AsciiString POLICY = AsciiString.cached("ratelimit-policy");
    private static final AsciiString STATE = AsciiString.cached("ratelimit");
    private static final long SECOND_NANOS = 1_000_000_000;

    private final RateLimit[] limits;
    private final LimitedRequest request;
    private final EventLoopState state;
    private final long[] keys;
    private final long[] outcomes;
    /** Those that were asked. */
    private final boolean[] asked;

    /** When the limits were asked last. A request may be old by then: it was let in first, or waited for another limit. */
    private long now;
    /** The first that was not asked yet. */
    private int next;

    private @Nullable Runnable then;
    private @Nullable RateLimit refusing;
    private long retryNanos;
    private boolean over;

    /** Has asked none yet; it has to be {@linkplain #end ended}. */
    Admission(RateLimit[] limits, LimitedRequest request, EventLoopState state) {
        this.limits = limits;
        this.request = request;
        this.state = state;
        this.keys = new long[limits.length];
        this.outcomes = new long[limits.length];
        this.asked = new boolean[limits.length];
    }

    /** Asks the limits. False: another node has to be asked, and what {@link #whenAsked} says runs later. */
    boolean ask() {
        now = state.now();
        for (; next < limits.length && refusing == null; next++) {
            RateLimit limit = limits[next];
            if (limit.counts(request)) {
                long key = limit.key(state.limitKeys, request);
                long outcome = limit.take(key, now, this);
                keys[next] = key;
                if (outcome != SharedOutcome.PENDING) {
                    answered(limit, outcome);
                } else if (limit.tells()) {
                    return false;
                }
            }
        }
        return true;
    }

    private void answered(RateLimit limit, long outcome) {
        outcomes[next] = outcome;
        asked[next] = true;
        if (limit.refuses(outcome)) {
            refusing = limit;
            retryNanos = limit.retryNanos(outcome, now);
        }
    }

    /** Runs something once all limits have answered, or one refuses, or never if the request ends before. */
    void whenAsked(Runnable then) {
        this.then = then;
    }

    @Override
    public void decided(long outcome) {
        state.execute(() -> decidedHere(outcome));
    }

    private void decidedHere(long outcome) {
        RateLimit limit = limits[next];
        long _ = limit.counted(outcome);
        if (over) {
            return;
        }
        answered(limit, outcome);
        next++;
        Runnable after = then;
        if (ask() && after != null) {
            after.run();
        }
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
