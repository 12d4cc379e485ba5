package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import dev.coppice.gateway.authentication.Outcome;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
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

    private final RequestCredentials request;
    private final EventLoopState state;
    private final Upstream upstream;
    private final ExternalProtocol protocol;
    private final ExternalProtocol.Question question;
    private final Consumer<Outcome> done;
    private final Passage passage;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream(0);

    private @Nullable TargetPool pool;
    private @Nullable TargetStream connection;
    private Upstream.@Nullable Target endpoint;
    private @Nullable HttpResponse head;
    private @Nullable Future<?> deadline;
    private @Nullable Tracker tracker;
    private int tries;
    private long tryNanos;
    private boolean reused;
    private boolean over;

    private ExternalCall(
            RequestCredentials request,
            Upstream upstream,
            ExternalProtocol protocol,
            ExternalProtocol.Question question,
            Consumer<Outcome> done) {
        this.request = request;
        this.state = request.client().state();
        this.upstream = upstream;
        this.protocol = protocol;
        this.question = question;
        this.done = done;
        this.passage = new Passage(upstream.guard);
    }

    /** Asks; {@code done} is told once. */
    static void begin(
            RequestCredentials request,
            Upstream upstream,
            ExternalProtocol protocol,
            ExternalProtocol.Question question,
            long timeoutMillis,
            Consumer<Outcome> done) {
        ExternalCall call = new ExternalCall(request, upstream, protocol, question, done);
        call.deadline = call.state.loop.schedule(call::late, timeoutMillis, TimeUnit.MILLISECONDS);
        BackendCredentials credentials = upstream.credentials();
        boolean awaiting = credentials != null
                && credentials.value() == null
                && credentials.renew(() -> call.state.execute(call::credentialsKnown));
        if (!awaiting) {
            call.tryAt(null);
        }
    }

    private void credentialsKnown() {
        if (!over) {
            tryAt(null);
        }
    }

    private void tryAt(Upstream.@Nullable Target failed) {
        Upstream.Target target = state.choose(upstream, upstream.state(), null, state.random.nextLong(), failed);
        if (target == null) {
            unavailable("the service that is asked has no endpoint that is ready");
            return;
        }
        if (Credentials.missing(upstream)) {
            unavailable(Credentials.MISSING);
            return;
        }
        tryNanos = state.now();
        Refusal refusal = tries == 0 ? passage.begin(tryNanos) : passage.again(tryNanos);
        if (refusal != null) {
            unavailable("the service that is asked gets no requests now: " + refusal.text);
            return;
        }
        int number = ++tries;
        endpoint = target;
        Tracker told = target.tracker();
        tracker = told;
        if (told != null) {
            told.begin();
        }
        TargetPool from = state.pool(target);
        pool = from;
        from.take(this);
        if (pool != null && number == tries && !passage.queue(state.now())) {
            unavailable(Refusal.PENDING_REQUESTS.text);
        }
    }

    /** The endpoint has nothing to do with it any more. */
    private void untrack() {
        Tracker told = tracker;
        tracker = null;
        if (told != null) {
            told.end();
        }
    }

    private void trackFailure(Failure failure) {
        Tracker told = tracker;
        if (told != null) {
            told.failed(failure, tryNanos);
        }
        passage.failed(failure, state.now());
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
        passage.connected();
        HttpRequest asked = question.head();
        HttpHeaders headers = asked.headers().copy();
        BackendCredentials credentials = upstream.credentials();
        if (credentials != null) {
            Credentials.add(headers, credentials);
        }
        HttpRequest sent = new DefaultHttpRequest(asked.protocolVersion(), asked.method(), asked.uri(), headers);
        if (question.body().length == 0) {
            to.write(RequestBody.whole(sent));
        } else {
            to.write(sent);
            to.write(new DefaultLastHttpContent(Unpooled.wrappedBuffer(question.body())));
        }
        to.flush();
    }

    @Override
    public void response(HttpResponse answer) {
        int code = answer.status().code();
        if (code == 101) {
            unavailable("the service that is asked wants another protocol");
        } else if (code >= 200) {
            head = answer;
            passage.answered(answer, state.now());
            Tracker told = tracker;
            if (told != null) {
                told.answered(tryNanos);
            }
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
        HttpHeaders trailers = part instanceof LastHttpContent last ? last.trailingHeaders() : null;
        part.release();
        if (body.size() + bytes.length > MOST_BODY) {
            body.write(bytes, 0, MOST_BODY - body.size());
            unavailable("the answer of the service that is asked is too large");
            return;
        }
        body.writeBytes(bytes);
        if (trailers != null) {
            connection = null;
            passage.trailers(trailers, state.now());
            Tracker told = tracker;
            if (told != null) {
                told.judged(protocol.status(answer, trailers));
            }
            end(protocol.outcome(request, answer, body.toByteArray(), trailers));
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
        boolean crossed = failure == Failure.RESET && reused && head == null && tries == 1;
        if (!crossed) {
            trackFailure(failure);
        }
        untrack();
        boolean again = switch (failure) {
            case CONNECT, TLS, REFUSED -> true;
            case RESET -> crossed;
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
        trackFailure(Failure.TIMEOUT);
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

    /** It is given up; what has come of an answer may still refuse the request. */
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
        HttpResponse begun = head;
        Outcome refusal = begun == null ? null : protocol.refusal(begun, body.toByteArray());
        end(refusal == null ? new Outcome.Unavailable(why) : refusal);
    }

    private void end(Outcome outcome) {
        over = true;
        untrack();
        passage.end();
        if (deadline != null) {
            boolean _ = deadline.cancel(false);
        }
        done.accept(outcome);
    }
}
