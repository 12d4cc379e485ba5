package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way: from its head, over the rule that wants it and the tries at endpoints, to the last byte of its answer. Used on
 * its connection's event loop only.
 */
final class Exchange extends Chain.Member<Exchange> implements Attempt {
    private static final int CLIENT_GONE = 499;
    /** Bytes of a body that are copied in order to write them with the head. */
    private static final int SMALL = 4096;

    private static final int IMPLICIT_CONNECT_TRIES = 3;

    private final ClientStream client;
    private final EventLoopState state;
    private final HttpRequest request;
    private final String target;
    private final long beginNanos;
    private final RequestBody body;
    private final boolean http10;

    private RequestTarget asked = RequestTarget.UNKNOWN;
    private @Nullable RuleAction action;
    private @Nullable Candidate<RuleAction> candidate;
    private RuleAction.@Nullable Backend backend;
    private @Nullable Admission admission;
    private @Nullable String allowedOrigin;
    private @Nullable TargetPool pool;
    private @Nullable TargetStream connection;
    private Upstream.@Nullable Target endpoint;
    private List<MirrorAttempt> mirrors = List.of();

    private @Nullable HttpResponse pendingHead;
    private boolean keepAlive;
    private boolean upgrade;
    private boolean reused;
    private boolean responding;
    private boolean answered;
    private boolean over;
    private int tries;
    private int status;
    private long bytesOut;
    private long attemptNanos;
    private long progressNanos;

    Exchange(ClientStream client, HttpRequest request) {
        this.client = client;
        this.state = client.state();
        this.request = request;
        this.target = request.uri();
        this.http10 = request.protocolVersion().minorVersion() == 0;
        this.beginNanos = state.now();
        this.progressNanos = beginNanos;
        this.body = new RequestBody(state.plane.options.maxReplayBytes(), bodiless(request));
    }

    private static boolean bodiless(HttpRequest request) {
        if (HttpUtil.isTransferEncodingChunked(request)) {
            return false;
        }
        String length = request.headers().get(HttpHeaderNames.CONTENT_LENGTH);
        return length == null || length.equals("0");
    }

    // ---- the request's head

    void begin() {
        state.began(this);
        switch (RequestTarget.read(request)) {
            case RequestReading.Refusal refusal -> refuse(refusal.code(), refusal.reason(), refusal.text());
            case RequestTarget read -> {
                asked = read;
                keepAlive = HttpUtil.isKeepAlive(request);
                route();
            }
        }
    }

    private void route() {
        RoutingTable<RuleAction> table = client.port().routing().table();
        String host = asked.authority().host();
        String serverName = client.serverName();
        if (serverName != null && table.listener(serverName) != table.listener(host)) {
            // Another listener's, whose certificate the client has not seen (RFC 9110, 15.5.20).
            answer(
                    HttpResponseStatus.MISDIRECTED_REQUEST,
                    "this host name is not for a connection to that server name");
            return;
        }
        RoutingTable.Found<RuleAction> found = table.find(host, new RoutedRequest(request, asked));
        if (found == null || found.candidate() == null) {
            answer(
                    HttpResponseStatus.NOT_FOUND,
                    found == null
                            ? "no listener is for this host name"
                            : "no route matches this host name, path and method");
            return;
        }
        candidate = found.candidate();
        action = found.candidate().action();
        act(found.candidate().action());
    }

    private void refuse(HttpResponseStatus code, String reason, String text) {
        keepAlive = false;
        state.plane.metrics.refused.labelValues(reason).inc();
        answer(code, text);
    }

    private void act(RuleAction rule) {
        if (rule.filters.cors != null) {
            allowedOrigin = rule.filters.cors.allowed(request.headers().get(HttpHeaderNames.ORIGIN));
            if (CrossOriginPolicy.preflight(request.method(), request.headers())) {
                preflight(rule.filters.cors);
                return;
            }
        }
        if (rule.invalid != null) {
            answer(HttpResponseStatus.INTERNAL_SERVER_ERROR, "the rule for this request is not valid");
            return;
        }
        if (refusedByLimit(rule)) {
            return;
        }
        if (rule.filters.redirect != null) {
            send(redirect(rule.filters.redirect));
            return;
        }
        RuleAction.Backend chosen = rule.choose(state.random);
        if (chosen != null && chosen.filters().redirect != null) {
            send(redirect(chosen.filters().redirect));
            return;
        }
        if (chosen == null || chosen.upstream() == null) {
            answer(HttpResponseStatus.INTERNAL_SERVER_ERROR, "the rule for this request leads nowhere");
            return;
        }
        backend = chosen;
        Upstream.State now = chosen.upstream().state();
        if (now.targets().isEmpty()) {
            answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "the service has no endpoint that is ready");
            return;
        }
        prepare(rule, chosen);
        mirror(rule.filters.mirrors);
        mirror(chosen.filters().mirrors);
        start(null);
    }

    private boolean refusedByLimit(RuleAction rule) {
        if (rule.limits.length == 0) {
            return false;
        }
        Admission asked = Admission.ask(
                rule.limits,
                new LimitedRequest(request, this.asked, client, rule.routeKey),
                state.limitKeys,
                beginNanos);
        admission = asked;
        if (asked.refused()) {
            send(asked.refusal(request.headers()), HttpResponseStatus.TOO_MANY_REQUESTS.code());
        }
        return asked.refused();
    }

    /** Says in an answer what the limits have left. */
    private void tellLimits(HttpHeaders headers) {
        Admission given = admission;
        if (given != null) {
            given.tell(headers);
        }
    }

    private void prepare(RuleAction rule, RuleAction.Backend chosen) {
        upgrade = body.bodiless() && client.upgradable() != null && ForwardedRequest.upgrades(request);
        ForwardedRequest.prepare(request, asked, client, upgrade, rule, chosen, prefixLength());
    }

    private int prefixLength() {
        return candidate == null ? -1 : candidate.prefixLength();
    }

    private DefaultFullHttpResponse redirect(FilterConfig.Redirect to) {
        return LocalAnswer.redirect(to.status(), UrlChanges.location(to, asked, client.port(), prefixLength()));
    }

    private void preflight(CrossOriginPolicy policy) {
        DefaultFullHttpResponse answer = LocalAnswer.of(HttpResponseStatus.OK, "");
        if (allowedOrigin != null) {
            policy.allow(allowedOrigin, answer.headers());
            policy.answerPreflight(request.headers(), answer.headers());
            // Browsers look at it in the answer to the request itself; the Gateway API's conformance tests here, too.
            policy.expose(answer.headers());
        }
        send(answer);
    }

    private void mirror(List<RuleAction.MirrorTarget> targets) {
        for (RuleAction.MirrorTarget each : targets) {
            if (each.chosen(state.random)) {
                MirrorAttempt copy = MirrorAttempt.begin(state, each.upstream(), request, body.bodiless());
                if (copy != null) {
                    if (mirrors.isEmpty()) {
                        mirrors = new ArrayList<>(2);
                    }
                    mirrors.add(copy);
                }
            }
        }
    }

    // ---- tries

    private void start(Upstream.@Nullable Target failed) {
        RuleAction.Backend chosen = backend;
        Upstream upstream = chosen == null ? null : chosen.upstream();
        Upstream.State now = upstream == null ? null : upstream.state();
        if (upstream == null || now == null || now.targets().isEmpty()) {
            answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "the service has no endpoint that is ready");
            return;
        }
        Upstream.Target next = state.choose(upstream, now, failed);
        tries++;
        endpoint = next;
        attemptNanos = tries == 1 ? beginNanos : state.now();
        TargetPool from = state.pool(next);
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
        body.sendTo(to, request, keepsBody());
        to.flush();
        client.reading(true);
    }

    @Override
    public void failed(Failure failure) {
        TargetPool from = pool;
        connection = null;
        pool = null;
        if (over) {
            return;
        }
        if (from != null && endpoint != null) {
            endpoint.metrics.failed(failure.word);
        }
        if (!responding && mayRetry(failure)) {
            retry();
            return;
        }
        if (responding) {
            end(false);
            client.abort();
            return;
        }
        keepAlive &= body.complete();
        switch (failure) {
            case CONNECT -> answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "no endpoint could be reached");
            case TLS -> answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "no endpoint could be reached by TLS");
            case REFUSED -> answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "the endpoint refused the request");
            case RESET ->
                answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "the endpoint ended the connection without an answer");
            case WAITING -> answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "too many requests wait for the service");
            case TIMEOUT -> answer(HttpResponseStatus.GATEWAY_TIMEOUT, "the service did not answer in time");
            case MALFORMED -> answer(HttpResponseStatus.BAD_GATEWAY, "the endpoint's answer is no valid HTTP");
        }
    }

    private boolean mayRetry(Failure failure) {
        RetryConfig retry = action == null ? null : action.retry;
        if (!body.replayable()) {
            return false;
        }
        if (retry != null) {
            return failure != Failure.MALFORMED && failure != Failure.WAITING && tries <= retry.attempts();
        }
        return switch (failure) {
            case CONNECT, TLS -> tries < IMPLICIT_CONNECT_TRIES && backendSize() > 1;
            case REFUSED -> tries < IMPLICIT_CONNECT_TRIES;
            // It ended while it was unused, and the request crossed that on the wire.
            case RESET -> reused && tries == 1 && idempotent();
            case TIMEOUT, WAITING, MALFORMED -> false;
        };
    }

    private int backendSize() {
        RuleAction.Backend chosen = backend;
        return chosen == null || chosen.upstream() == null
                ? 0
                : chosen.upstream().state().targets().size();
    }

    private boolean idempotent() {
        HttpMethod method = request.method();
        return !method.equals(HttpMethod.POST) && !method.equals(HttpMethod.PATCH);
    }

    private void retry() {
        state.plane.metrics.retries.inc();
        RetryConfig retry = action == null ? null : action.retry;
        Upstream.Target failed = endpoint;
        long backoff = retry == null ? 0 : retry.backoffMillis();
        attemptNanos = state.now() + backoff * 1_000_000;
        if (backoff == 0) {
            start(failed);
            return;
        }
        var _ = state.loop.schedule(
                () -> {
                    if (!over) {
                        start(failed);
                    }
                },
                backoff,
                TimeUnit.MILLISECONDS);
    }

    // ---- the request's body

    boolean requestComplete() {
        return body.complete();
    }

    void requestContent(HttpContent part) {
        if (part == LastHttpContent.EMPTY_LAST_CONTENT && body.bodiless()) {
            return;
        }
        progressNanos = state.now();
        if (over) {
            part.release();
            return;
        }
        if (part.decoderResult().isFailure()) {
            part.release();
            dropConnection();
            refuse(HttpResponseStatus.BAD_REQUEST, "malformed", "the request's body is not valid");
            return;
        }
        for (MirrorAttempt each : mirrors) {
            each.requestContent(part.retainedDuplicate());
        }
        if (!body.take(part, connection, keepsBody())) {
            client.reading(false);
        }
    }

    private boolean keepsBody() {
        return action != null && action.retry != null;
    }

    void requestReadComplete() {
        TargetStream to = connection;
        if (to != null) {
            to.flush();
        }
        for (MirrorAttempt each : mirrors) {
            each.requestReadComplete();
        }
    }

    @Override
    public void writable(boolean writable) {
        if (writable) {
            client.reading(true);
        }
    }

    // ---- the answer

    @Override
    public void response(HttpResponse head) {
        progressNanos = state.now();
        int code = head.status().code();
        if (code == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
            switched(head);
            return;
        }
        if (code < 200) {
            if (!http10 && !responding) {
                HopByHop.strip(head.headers());
                head.setProtocolVersion(HttpVersion.HTTP_1_1);
                client.interim(head);
            }
            return;
        }
        RetryConfig retry = action == null ? null : action.retry;
        if (retry != null && retry.codes().contains(code) && tries <= retry.attempts() && body.replayable()) {
            dropConnection();
            retry();
            return;
        }
        responding = true;
        status = code;
        boolean bodyFollows = !request.method().equals(HttpMethod.HEAD) && code != 204 && code != 304;
        HttpHeaders headers = head.headers();
        HopByHop.strip(headers);
        RuleAction rule = action;
        RuleAction.Backend chosen = backend;
        if (rule != null && chosen != null) {
            rule.filters.response.apply(headers);
            chosen.filters().response.apply(headers);
            allowOrigin(rule, headers);
        }
        tellLimits(headers);
        if (bodyFollows && !HttpUtil.isContentLengthSet(head) && !HttpUtil.isTransferEncodingChunked(head)) {
            if (http10) {
                keepAlive = false;
            } else {
                HttpUtil.setTransferEncodingChunked(head, true);
            }
        } else if (http10 && HttpUtil.isTransferEncodingChunked(head)) {
            HttpUtil.setTransferEncodingChunked(head, false);
            keepAlive = false;
        }
        head.setProtocolVersion(HttpVersion.HTTP_1_1);
        connectionHeader(headers);
        pendingHead = head;
    }

    /** The head waits for what else comes with one read: a small answer is written in one piece. */
    private void writeHead() {
        HttpResponse head = pendingHead;
        if (head != null) {
            pendingHead = null;
            client.write(head);
        }
    }

    private HttpObject joined(HttpContent part, boolean last) {
        HttpResponse head = pendingHead;
        if (head == null || !last || part.content().readableBytes() > SMALL) {
            writeHead();
            return part;
        }
        pendingHead = null;
        return new DefaultFullHttpResponse(
                head.protocolVersion(),
                head.status(),
                part.content(),
                head.headers(),
                ((LastHttpContent) part).trailingHeaders());
    }

    private void allowOrigin(RuleAction rule, HttpHeaders headers) {
        if (rule.filters.cors != null && allowedOrigin != null) {
            rule.filters.cors.allow(allowedOrigin, headers);
            rule.filters.cors.expose(headers);
        }
    }

    private void connectionHeader(HttpHeaders headers) {
        if (!body.complete() || client.draining()) {
            keepAlive = false;
        }
        if (!keepAlive) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (http10) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
    }

    private void switched(HttpResponse head) {
        ClientConnection from = client.upgradable();
        if (!upgrade || from == null || !(connection instanceof TargetConnection to)) {
            dropConnection();
            failed(Failure.MALFORMED);
            return;
        }
        responding = true;
        status = HttpResponseStatus.SWITCHING_PROTOCOLS.code();
        String protocol = head.headers().get(HttpHeaderNames.UPGRADE);
        HopByHop.strip(head.headers());
        head.setProtocolVersion(HttpVersion.HTTP_1_1);
        head.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
        if (protocol != null) {
            head.headers().set(HttpHeaderNames.UPGRADE, protocol);
        }
        client.write(head);
        client.flush();
        connection = null;
        state.ended(this);
        Tunnel tunnel = new Tunnel(from, to, this::account);
        over = true;
        from.switching();
        to.tunnel(tunnel);
        from.tunnel(tunnel);
    }

    @Override
    public void content(HttpContent part) {
        if (over || !responding) {
            part.release();
            return;
        }
        progressNanos = state.now();
        bytesOut += part.content().readableBytes();
        boolean last = part instanceof LastHttpContent;
        client.write(joined(part, last));
        if (last) {
            answered = true;
            TargetStream from = connection;
            connection = null;
            if (from != null && !body.complete()) {
                from.close();
            }
            client.flush();
            end(keepAlive && body.complete());
        } else if (!client.writable() && connection != null) {
            connection.reading(false);
        }
    }

    @Override
    public void readComplete() {
        if (responding) {
            writeHead();
            client.flush();
        }
    }

    void clientWritable(boolean writable) {
        TargetStream from = connection;
        if (from != null) {
            from.reading(writable);
        }
    }

    // ---- answers of our own

    private void answer(HttpResponseStatus code, String text) {
        send(LocalAnswer.of(code, text, request.headers()), code.code());
    }

    private void send(DefaultFullHttpResponse answer) {
        send(answer, answer.status().code());
    }

    /** @param code as which it counts, and stands in the access log */
    private void send(DefaultFullHttpResponse answer, int code) {
        if (over) {
            answer.release();
            return;
        }
        status = code;
        responding = true;
        RuleAction rule = action;
        if (rule != null && !answer.headers().contains(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN)) {
            allowOrigin(rule, answer.headers());
        }
        tellLimits(answer.headers());
        connectionHeader(answer.headers());
        bytesOut = answer.content().readableBytes();
        answered = true;
        client.write(answer);
        client.flush();
        end(keepAlive);
    }

    // ---- the end

    private void dropConnection() {
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

    private void end(boolean keep) {
        if (over) {
            return;
        }
        over = true;
        dropConnection();
        body.release();
        for (MirrorAttempt each : mirrors) {
            if (!body.complete()) {
                each.abandon();
            }
        }
        state.ended(this);
        account();
        client.ended(this, keep, body.complete());
    }

    /** Whether the whole answer was written. */
    boolean answered() {
        return answered;
    }

    private void account() {
        long nanos = state.now() - beginNanos;
        RuleAction rule = action;
        (rule == null ? state.plane.unrouted : rule.metrics).answered(status, nanos);
        state.accessLog.add(this, nanos);
        Admission given = admission;
        if (given != null) {
            given.end();
        }
    }

    void clientGone() {
        if (!over) {
            status = responding ? status : CLIENT_GONE;
            end(false);
        }
    }

    void checkDeadlines(long now) {
        RuleAction rule = action;
        if (over) {
            return;
        }
        boolean total = rule != null && rule.requestTimeoutNanos > 0 && now - beginNanos > rule.requestTimeoutNanos;
        boolean oneTry = rule != null && rule.backendTimeoutNanos > 0 && now - attemptNanos > rule.backendTimeoutNanos;
        boolean still = now - progressNanos > state.plane.options.stalled().toNanos();
        if (!total && !oneTry && !still) {
            return;
        }
        if (still && !body.complete() && !responding) {
            dropConnection();
            refuse(HttpResponseStatus.REQUEST_TIMEOUT, "slow", "the request did not come in time");
            return;
        }
        Upstream.Target slow = endpoint;
        if (connection != null && slow != null) {
            slow.metrics.failed(Failure.TIMEOUT.word);
            connection.timedOut();
            connection = null;
        }
        dropConnection();
        if (total || still || responding || !mayRetry(Failure.TIMEOUT)) {
            timedOut();
        } else {
            retry();
        }
    }

    private void timedOut() {
        if (responding) {
            end(false);
            client.abort();
        } else {
            keepAlive &= body.complete();
            answer(HttpResponseStatus.GATEWAY_TIMEOUT, "the service did not answer in time");
        }
    }

    // ---- what the access log wants to know

    String method() {
        return request.method().name();
    }

    String clientAddress() {
        return client.address();
    }

    String host() {
        return asked.authority().host();
    }

    String target() {
        return target;
    }

    int status() {
        return status;
    }

    long bytesIn() {
        return body.bytes();
    }

    long bytesOut() {
        return bytesOut;
    }

    String routeName() {
        RuleAction rule = action;
        return rule == null ? "" : rule.route;
    }

    /** The limit that refused it; empty when none did. */
    String refusedBy() {
        Admission given = admission;
        return given == null ? "" : given.refusedBy();
    }

    String endpointText() {
        Upstream.Target to = endpoint;
        return to == null ? "" : to.toString();
    }

    int tries() {
        return tries;
    }

    @Nullable
    String agent() {
        return request.headers().get(HttpHeaderNames.USER_AGENT);
    }
}
