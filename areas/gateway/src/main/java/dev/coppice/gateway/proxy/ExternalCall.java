package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Outcome;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.Future;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One question to a service about a request, over the connections to its endpoints that the request's event loop has: with one deadline, and two tries at most. Used
 * on that loop only.
 */
final class ExternalCall implements Attempt {
    private static final int MOST_BODY = 64 << 10;
    private static final int MOST_TRIES = 2;

    private final EventLoopState state;
    private final Upstream upstream;
    private final ExternalMethod method;
    private final HttpHeaders headers;
    private final Consumer<Outcome> done;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream(0);

    private @Nullable TargetPool pool;
    private @Nullable TargetStream connection;
    private Upstream.@Nullable Target endpoint;
    private @Nullable HttpResponse head;
    private @Nullable Future<?> deadline;
    private int tries;
    private boolean reused;
    private boolean over;

    private ExternalCall(
            EventLoopState state,
            Upstream upstream,
            ExternalMethod method,
            HttpHeaders headers,
            Consumer<Outcome> done) {
        this.state = state;
        this.upstream = upstream;
        this.method = method;
        this.headers = headers;
        this.done = done;
    }

    /** Asks; {@code done} is told once. */
    static void begin(
            EventLoopState state,
            Upstream upstream,
            ExternalMethod method,
            HttpHeaders headers,
            Consumer<Outcome> done) {
        ExternalCall call = new ExternalCall(state, upstream, method, headers, done);
        call.deadline = state.loop.schedule(call::late, method.timeoutMillis(), TimeUnit.MILLISECONDS);
        call.tryAt(null);
    }

    private void tryAt(Upstream.@Nullable Target failed) {
        Upstream.Target target = state.choose(upstream, upstream.state(), state.random.nextLong(), failed);
        if (target == null) {
            unavailable("the service that is asked has no endpoint that is ready");
            return;
        }
        tries++;
        endpoint = target;
        TargetPool from = state.pool(target);
        pool = from;
        from.take(this);
    }

    @Override
    public boolean over() {
        return over;
    }

    @Override
    public void connected(TargetStream to, boolean usedBefore) {
        pool = null;
        connection = to;
        reused = usedBefore;
        to.write(new DefaultFullHttpRequest(
                HttpVersion.HTTP_1_1,
                HttpMethod.GET,
                method.path(),
                Unpooled.EMPTY_BUFFER,
                headers.copy(),
                EmptyHttpHeaders.INSTANCE));
        to.flush();
    }

    @Override
    public void response(HttpResponse answer) {
        int code = answer.status().code();
        if (code == 101) {
            unavailable("the service that is asked wants another protocol");
        } else if (code >= 200) {
            head = answer;
        }
    }

    @Override
    public void content(HttpContent part) {
        HttpResponse answer = head;
        if (over || answer == null) {
            part.release();
            return;
        }
        byte[] bytes = new byte[part.content().readableBytes()];
        part.content().readBytes(bytes);
        boolean last = part instanceof LastHttpContent;
        part.release();
        if (body.size() + bytes.length > MOST_BODY) {
            unavailable("the answer of the service that is asked is too large");
            return;
        }
        body.writeBytes(bytes);
        if (last) {
            connection = null;
            end(method.outcome(answer, body.toByteArray()));
        }
    }

    @Override
    public void readComplete() {}

    @Override
    public void writable(boolean writable) {}

    @Override
    public void failed(Failure failure) {
        boolean unconnected = pool != null;
        connection = null;
        pool = null;
        if (over) {
            return;
        }
        if (unconnected && endpoint != null) {
            endpoint.metrics.failed(failure.word);
        }
        boolean again = switch (failure) {
            case CONNECT, TLS, REFUSED -> true;
            case RESET -> reused;
            case TIMEOUT, WAITING, MALFORMED, WEBSOCKET -> false;
        };
        if (again && head == null && tries < MOST_TRIES) {
            tryAt(endpoint);
        } else {
            unavailable("the service that is asked does not answer");
        }
    }

    private void late() {
        if (over) {
            return;
        }
        TargetStream slow = connection;
        connection = null;
        if (slow != null) {
            slow.timedOut();
            if (endpoint != null) {
                endpoint.metrics.failed(Failure.TIMEOUT.word);
            }
        }
        unavailable("the service that is asked does not answer in time");
    }

    private void unavailable(String why) {
        TargetStream open = connection;
        connection = null;
        if (open != null) {
            open.close();
        }
        TargetPool waitedFor = pool;
        pool = null;
        if (waitedFor != null) {
            waitedFor.forget(this);
        }
        end(new Outcome.Unavailable(why));
    }

    private void end(Outcome outcome) {
        over = true;
        if (deadline != null) {
            boolean _ = deadline.cancel(false);
        }
        done.accept(outcome);
    }
}
