package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;

/**
 * A copy of a request for somebody whose answer nobody reads. It never holds up the request itself: a copy that its endpoint does
 * not take fast enough, or answer in time, is given up. Used on one event loop only.
 */
final class MirrorAttempt extends Chain.Member<MirrorAttempt> implements Attempt {
    private static final int MOST_BEHIND = 1 << 20;

    private final EventLoopState state;
    private final HttpRequest head;
    private final RequestBody body;
    private @Nullable TargetStream connection;
    private @Nullable TargetPool pool;
    private final long beginNanos;
    private final Passage passage;
    private boolean over;

    private MirrorAttempt(EventLoopState state, HttpRequest head, boolean bodiless, Passage passage) {
        this.state = state;
        this.head = head;
        this.body = new RequestBody(0, bodiless);
        this.beginNanos = state.now();
        this.passage = passage;
    }

    /** Starts a copy; null when there is no endpoint. */
    static @Nullable MirrorAttempt begin(
            EventLoopState state, Upstream upstream, HttpRequest request, boolean bodiless) {
        Upstream.State now = upstream.state();
        Upstream.Target target = state.choose(upstream, now, request.headers(), state.random.nextLong(), null);
        if (target == null) {
            state.plane.metrics.mirrorsLost.labelValues("unavailable").inc();
            return null;
        }
        DefaultHttpRequest copy = new DefaultHttpRequest(
                HttpVersion.HTTP_1_1,
                request.method(),
                request.uri(),
                request.headers().copy());
        copy.headers().remove(HttpHeaderNames.UPGRADE);
        copy.headers().remove(HttpHeaderNames.CONNECTION);
        copy.headers().remove(HttpHeaderNames.EXPECT);
        BackendCredentials credentials = upstream.credentials();
        if (Credentials.missing(upstream)) {
            state.plane.metrics.mirrorsLost.labelValues(Credentials.WORD).inc();
            return null;
        }
        if (credentials != null) {
            Credentials.add(copy.headers(), credentials);
        }
        MirrorAttempt attempt = new MirrorAttempt(state, copy, bodiless, new Passage(upstream.guard));
        Refusal refusal = attempt.passage.begin(attempt.beginNanos);
        if (refusal != null) {
            state.plane.metrics.mirrorsLost.labelValues(refusal.word).inc();
            return null;
        }
        TargetPool from = state.pool(target);
        attempt.pool = from;
        state.began(attempt);
        from.take(attempt);
        if (attempt.pool != null && !attempt.passage.queue(state.now())) {
            attempt.abandon(Refusal.PENDING_REQUESTS.word);
        }
        return attempt.over ? null : attempt;
    }

    void requestContent(HttpContent part) {
        if (over) {
            part.release();
        } else if (!body.take(part, connection, false) && (connection == null || connection.backlog() > MOST_BEHIND)) {
            abandon("slow");
        }
    }

    void requestReadComplete() {
        if (connection != null) {
            connection.flush();
        }
    }

    /** The request itself ended too early. */
    void abandon() {
        abandon("abandoned");
    }

    private void end() {
        over = true;
        passage.end();
        body.release();
        state.ended(this);
    }

    void checkDeadline(long now) {
        if (now - beginNanos > state.plane.options.stalled().toNanos()) {
            passage.failed(Failure.TIMEOUT, now);
            abandon(Failure.TIMEOUT.word);
        }
    }

    private void abandon(String reason) {
        if (over) {
            return;
        }
        end();
        state.plane.metrics.mirrorsLost.labelValues(reason).inc();
        if (connection != null) {
            connection.close();
        } else if (pool != null) {
            pool.forget(this);
        }
    }

    @Override
    public boolean over() {
        return over;
    }

    @Override
    public void connected(TargetStream to, boolean reused) {
        pool = null;
        passage.connected();
        connection = to;
        state.plane.metrics.mirrored.inc();
        body.sendTo(to, head, false);
        to.flush();
    }

    @Override
    public void response(HttpResponse answer) {
        if (answer.status().code() >= 200) {
            passage.answered(answer, state.now());
        }
    }

    @Override
    public void content(HttpContent part) {
        boolean last = part instanceof LastHttpContent;
        part.release();
        if (last) {
            if (!body.complete() && connection != null) {
                connection.close();
            }
            end();
            connection = null;
        }
    }

    @Override
    public void readComplete() {}

    @Override
    public void writable(boolean writable) {}

    @Override
    public void failed(Failure failure) {
        connection = null;
        pool = null;
        if (!over) {
            passage.failed(failure, state.now());
            end();
            state.plane.metrics.mirrorsLost.labelValues(failure.word).inc();
        }
    }
}
