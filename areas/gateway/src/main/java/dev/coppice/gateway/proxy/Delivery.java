package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.resilience.Backoff;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The tries of one request at the endpoints of an upstream, until one of them answers. Used on its event loop only. */
final class Delivery implements Attempt {
    static final String NO_ENDPOINT = "the service has no endpoint that is ready";
    static final String TIMED_OUT = "the service did not answer in time";

    private static final long NANOS_A_MILLI = 1_000_000;
    private static final int IMPLICIT_CONNECT_TRIES = 3;

    private final Exchange exchange;
    private final EventLoopState state;
    private final HttpRequest request;
    private final RequestBody body;
    private final RuleAction rule;
    private final @Nullable RequestTrace trace;
    private Upstream upstream;
    private Passage passage;
    private boolean fellBack;
    /** Credentials, before the first try. */
    private boolean awaiting;
    /** It has given back what it had, and does nothing any more. */
    private boolean ended;

    private @Nullable TargetPool pool;
    private @Nullable TargetStream connection;
    private Upstream.@Nullable Target endpoint;
    private boolean reused;
    private int tries;
    private long tryNanos;
    /** The same for all tries. */
    private long hash;

    private @Nullable Tracker tracker;
    private boolean judgedByTrailers;

    /**
     * Begins nothing yet.
     *
     * @param trace null: it is not traced
     * @param beginNanos when the request came
     */
    Delivery(
            Exchange exchange,
            EventLoopState state,
            HttpRequest request,
            RequestBody body,
            RuleAction rule,
            Upstream upstream,
            @Nullable RequestTrace trace,
            long beginNanos) {
        this.exchange = exchange;
        this.state = state;
        this.request = request;
        this.body = body;
        this.rule = rule;
        this.upstream = upstream;
        this.trace = trace;
        this.passage = new Passage(upstream.guard);
        this.tryNanos = beginNanos;
    }

    /** Begins the first try, perhaps once there are credentials for it. */
    void begin() {
        BackendCredentials credentials = upstream.credentials();
        if (credentials != null && credentials.value() == null) {
            awaiting = credentials.renew(() -> state.execute(this::credentialsKnown));
        }
        if (!awaiting) {
            beginTries();
        }
    }

    private void credentialsKnown() {
        if (awaiting && !over()) {
            awaiting = false;
            beginTries();
        }
    }

    private void beginTries() {
        tryAt(null, passage.begin(tryNanos));
    }

    private void again(Upstream.@Nullable Target failed) {
        tryNanos = state.now();
        tryAt(failed, passage.again(tryNanos));
    }

    private void tryAt(Upstream.@Nullable Target failed, @Nullable Refusal refusal) {
        if (Credentials.missing(upstream)) {
            unavailable(Credentials.WORD, Credentials.MISSING);
            return;
        }
        Upstream.State now = upstream.state();
        RequestKeys keys = now.keys();
        if (keys != null && failed == null) {
            hash = keys.hash(exchange, state);
        }
        Upstream.Target next = state.choose(upstream, now, request.headers(), hash, failed);
        if (next == null) {
            unavailable("no-endpoint", NO_ENDPOINT);
            return;
        }
        if (refusal != null) {
            exchange.retryAfter(passage.retryNanos(state.now()));
            unavailable(refusal.word, refusal.text);
            return;
        }
        int number = ++tries;
        endpoint = next;
        track(next);
        if (trace != null) {
            trace.begin(next, state.now());
        }
        TargetPool from = state.pool(next, exchange.connection());
        pool = from;
        from.take(this);
        if (pool != null && number == tries && !passage.queue(state.now())) {
            drop();
            unavailable(Refusal.PENDING_REQUESTS.word, Refusal.PENDING_REQUESTS.text);
        }
    }

    private void unavailable(String reason, String text) {
        undeliverable(HttpResponseStatus.SERVICE_UNAVAILABLE, reason, text);
    }

    /** The upstream gives no answer: another one may. */
    private void undeliverable(HttpResponseStatus code, String reason, String text) {
        exchange.reason(reason);
        Upstream other = fellBack ? null : upstream.fallback();
        if (other == null || exchange.answering() || !body.replayable() || !exchange.fallsBack()) {
            exchange.undeliverable(code, text);
            return;
        }
        upstream.guard.metrics.fellBack("backend");
        fellBack = true;
        untrack();
        passage.end();
        upstream = other;
        passage = new Passage(other.guard);
        tryNanos = state.now();
        tryAt(null, passage.begin(tryNanos));
    }

    private void track(Upstream.Target at) {
        Tracker told = at.tracker();
        tracker = told;
        if (told != null) {
            told.begin();
        }
    }

    /** A call of gRPC says at its end how it went, or at once when there is nothing else to be said. */
    private void judge(Tracker told, int code, HttpHeaders headers) {
        int status =
                code == HttpResponseStatus.OK.code() && GrpcStatus.isGrpc(headers) ? GrpcStatus.http(headers) : code;
        judgedByTrailers = status == 0;
        if (!judgedByTrailers) {
            told.judged(status);
        }
    }

    private void judge(HttpHeaders trailers) {
        Tracker told = tracker;
        if (told != null && judgedByTrailers) {
            judgedByTrailers = false;
            int status = GrpcStatus.http(trailers);
            told.judged(status == 0 ? HttpResponseStatus.INTERNAL_SERVER_ERROR.code() : status);
        }
    }

    private void traceFailure(Failure failure) {
        if (trace != null) {
            trace.failed(failure.word);
            trace.end(state.now());
        }
    }

    private void trackFailure(Failure failure) {
        Tracker told = tracker;
        if (told != null) {
            told.failed(failure, tryNanos);
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

    // ---- what the connection tells

    @Override
    public boolean over() {
        return ended || exchange.over();
    }

    @Override
    public void connected(TargetStream to, boolean usedBefore) {
        pool = null;
        passage.connected();
        connection = to;
        reused = usedBefore;
        if (trace != null) {
            trace.send(request.headers());
        }
        BackendCredentials credentials = upstream.credentials();
        HttpRequest head = credentials == null ? request : Credentials.added(request, credentials);
        if (exchange.upgrades()) {
            to.upgrade(head);
        } else {
            body.sendTo(to, head, keepsBody());
        }
        to.flush();
        exchange.requestWanted();
    }

    @Override
    public void writable(boolean writable) {
        if (writable) {
            exchange.requestWanted();
        }
    }

    @Override
    public void response(HttpResponse head) {
        exchange.progressed();
        int code = head.status().code();
        if (code < 200 && code != HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
            exchange.answer().interim(head);
            return;
        }
        passage.answered(head, state.now());
        if (trace != null) {
            trace.answered(code);
        }
        Tracker told = tracker;
        if (told != null) {
            told.answered(tryNanos);
            judge(told, code, head.headers());
        }
        if (code == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
            switched(head);
        } else if (mayRetry(code, head.headers())) {
            drop();
            retry();
        } else if (code < 300 && exchange.connecting()) {
            drop();
            failed(Failure.WEBSOCKET);
        } else {
            exchange.respond(head);
        }
    }

    private void switched(HttpResponse head) {
        TargetStream to = connection;
        if (to != null
                && exchange.upgrades()
                && (!exchange.connecting() || WebSocketHandshake.accepts(request.headers(), head.headers()))) {
            connection = null;
            exchange.switched(head, to);
        } else {
            drop();
            failed(Failure.MALFORMED);
        }
    }

    @Override
    public void content(HttpContent part) {
        if (over() || !exchange.answering()) {
            part.release();
            return;
        }
        exchange.progressed();
        boolean last = part instanceof LastHttpContent;
        if (part instanceof LastHttpContent end) {
            judge(end.trailingHeaders());
            passage.trailers(end.trailingHeaders(), state.now());
        }
        exchange.content(part);
        if (last) {
            TargetStream from = connection;
            connection = null;
            if (from != null && !body.complete()) {
                from.close();
            }
            exchange.responded();
        } else if (connection != null && !exchange.clientWritable()) {
            connection.reading(false);
        }
    }

    @Override
    public void readComplete() {
        exchange.readComplete();
    }

    @Override
    public void failed(Failure failure) {
        boolean unconnected = pool != null;
        connection = null;
        pool = null;
        if (over()) {
            return;
        }
        traceFailure(failure);
        if (!crossed(failure) && failure != Failure.WEBSOCKET) {
            trackFailure(failure);
        }
        if (unconnected && endpoint != null) {
            endpoint.metrics.failed(failure.word);
        }
        passage.failed(failure, state.now());
        if (exchange.answer().begun() || exchange.holding()) {
            exchange.broken();
        } else if (mayRetry(failure)) {
            retry();
        } else {
            tell(failure);
        }
    }

    private void tell(Failure failure) {
        switch (failure) {
            case CONNECT -> unavailable(failure.word, "no endpoint could be reached");
            case TLS -> unavailable(failure.word, "no endpoint could be reached by TLS");
            case REFUSED -> unavailable(failure.word, "the endpoint refused the request");
            case RESET -> unavailable(failure.word, "the endpoint ended the connection without an answer");
            case WAITING -> unavailable(failure.word, "too many requests wait for the service");
            case TIMEOUT -> undeliverable(HttpResponseStatus.GATEWAY_TIMEOUT, failure.word, TIMED_OUT);
            case MALFORMED ->
                undeliverable(HttpResponseStatus.BAD_GATEWAY, failure.word, "the endpoint's answer is no valid HTTP");
            case WEBSOCKET ->
                undeliverable(HttpResponseStatus.BAD_GATEWAY, failure.word, "the endpoint takes no WebSockets");
        }
    }

    // ---- once more

    private boolean mayRetry(int code, HttpHeaders headers) {
        RetryConfig retry = rule.retry;
        return retry != null
                && (retry.codes().contains(code) || retriedStatus(retry, headers))
                && tries <= retry.attempts()
                && body.replayable()
                && passage.mayRetry(state.now());
    }

    /** The status of a call stands in the head only where there are no messages, which could not be taken back. */
    private static boolean retriedStatus(RetryConfig retry, HttpHeaders headers) {
        return !retry.grpcStatuses().isEmpty()
                && GrpcStatus.isGrpc(headers)
                && retry.grpcStatuses().contains(GrpcStatus.code(headers));
    }

    private boolean mayRetry(Failure failure) {
        return worthRetry(failure) && (unseen(failure) || passage.mayRetry(state.now()));
    }

    /** Whether no endpoint had work with the request, so that a few more tries are no load for any. */
    private boolean unseen(Failure failure) {
        return switch (failure) {
            case CONNECT, TLS, REFUSED -> tries < IMPLICIT_CONNECT_TRIES;
            case RESET -> reused && tries == 1;
            case TIMEOUT, WAITING, MALFORMED, WEBSOCKET -> false;
        };
    }

    private boolean worthRetry(Failure failure) {
        RetryConfig retry = rule.retry;
        if (exchange.answering() || !body.replayable()) {
            return false;
        }
        if (retry != null && retried(retry, failure)) {
            return tries <= retry.attempts();
        }
        return switch (failure) {
            case CONNECT, TLS ->
                tries < IMPLICIT_CONNECT_TRIES && upstream.state().targets().size() > 1;
            case REFUSED -> tries < IMPLICIT_CONNECT_TRIES;
            case RESET -> crossed(failure) && idempotent();
            case TIMEOUT, WAITING, MALFORMED, WEBSOCKET -> false;
        };
    }

    /** Whether a rule wants it: any failure of an endpoint, or where it names statuses of gRPC only, one that is such a status. */
    private static boolean retried(RetryConfig retry, Failure failure) {
        boolean statuses = retry.codes().isEmpty() && !retry.grpcStatuses().isEmpty();
        return switch (failure) {
            case CONNECT, TLS, REFUSED, RESET ->
                !statuses || retry.grpcStatuses().contains(GrpcStatus.UNAVAILABLE);
            case TIMEOUT -> !statuses || retry.grpcStatuses().contains(GrpcStatus.DEADLINE_EXCEEDED);
            case WAITING, MALFORMED, WEBSOCKET -> false;
        };
    }

    /** The connection ended while it was unused, and the request crossed that on the wire: nobody's fault. */
    private boolean crossed(Failure failure) {
        return failure == Failure.RESET && reused && tries == 1 && !exchange.answering();
    }

    private boolean idempotent() {
        HttpMethod method = request.method();
        return !method.equals(HttpMethod.POST) && !method.equals(HttpMethod.PATCH);
    }

    private void retry() {
        untrack();
        if (trace != null) {
            trace.end(state.now());
        }
        state.plane.metrics.retries.inc();
        passage.endTry();
        RetryConfig retry = rule.retry;
        Upstream.Target failed = endpoint;
        long backoff = retry == null ? 0 : Backoff.nanos(retry.backoffMillis() * NANOS_A_MILLI, tries, state.random);
        tryNanos = state.now() + backoff;
        if (backoff == 0) {
            again(failed);
            return;
        }
        var _ = state.loop.schedule(
                () -> {
                    if (!over()) {
                        again(failed);
                    }
                },
                backoff,
                TimeUnit.NANOSECONDS);
    }

    // ---- what the exchange tells

    /**
     * Takes a part of the request's body over.
     *
     * @return false: no more for now
     */
    boolean requestContent(HttpContent part) {
        return body.take(part, connection, keepsBody());
    }

    private boolean keepsBody() {
        return rule.retry != null || upstream.fallback() != null;
    }

    void requestReadComplete() {
        TargetStream to = connection;
        if (to != null) {
            to.flush();
        }
    }

    void clientWritable(boolean writable) {
        TargetStream from = connection;
        if (from != null) {
            from.reading(writable);
        }
    }

    void checkDeadline(long now) {
        if (rule.backendTimeoutNanos > 0 && now - tryNanos > rule.backendTimeoutNanos) {
            giveUp();
            if (!exchange.answer().begun() && mayRetry(Failure.TIMEOUT)) {
                retry();
            } else if (exchange.answer().begun()) {
                exchange.broken();
            } else {
                undeliverable(HttpResponseStatus.GATEWAY_TIMEOUT, Failure.TIMEOUT.word, TIMED_OUT);
            }
        }
    }

    /** Whether the answer, whose head was told, has no other end than its connection's. */
    boolean endsWithConnection() {
        return connection != null && connection.endsWithConnection();
    }

    /** The endpoint was too slow. */
    void giveUp() {
        traceFailure(Failure.TIMEOUT);
        Upstream.Target slow = endpoint;
        if (connection != null && slow != null) {
            slow.metrics.failed(Failure.TIMEOUT.word);
            connection.timedOut();
            connection = null;
        }
        if (!exchange.answer().begun()) {
            // Otherwise it may be the client that takes nothing.
            trackFailure(Failure.TIMEOUT);
            passage.failed(Failure.TIMEOUT, state.now());
        }
        drop();
    }

    /** Nobody waits for an answer any more. */
    void drop() {
        awaiting = false;
        TargetStream from = connection;
        connection = null;
        if (from != null) {
            from.close();
        }
        TargetPool waitedFor = pool;
        pool = null;
        if (waitedFor != null) {
            waitedFor.forget(this);
        }
    }

    /** The request is over, or no endpoint has anything to do with it any more. */
    void end() {
        ended = true;
        untrack();
        if (trace != null) {
            trace.end(state.now());
        }
        passage.end();
    }

    /** What the client gets when there is no answer; null: nothing is configured. */
    ResilienceConfig.Fallback.@Nullable Response fallback() {
        ResilienceConfig.Fallback given = passage.fallback();
        return given == null ? null : given.response();
    }

    Guard guard() {
        return upstream.guard;
    }

    // ---- what is told of it

    String upstream() {
        return upstream.name;
    }

    int tries() {
        return tries;
    }

    Upstream.@Nullable Target endpoint() {
        return endpoint;
    }
}
