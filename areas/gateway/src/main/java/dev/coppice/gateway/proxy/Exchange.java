package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.RequestHead;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way: from its head, over the rule that wants it and the tries at endpoints, to the last byte of its answer. Used on
 * its connection's event loop only.
 */
final class Exchange extends Chain.Member<Exchange> implements Attempt, RequestHead {
    private static final int CLIENT_GONE = 499;
    /** Bytes of a body that are copied in order to write them with the head. */
    private static final int SMALL = 4096;

    private static final int MOST_QUERY_PARAMS = 256;
    private static final int IMPLICIT_CONNECT_TRIES = 3;
    private static final AsciiString X_FORWARDED_FOR = AsciiString.cached("x-forwarded-for");
    private static final AsciiString X_FORWARDED_PROTO = AsciiString.cached("x-forwarded-proto");
    private static final AsciiString X_FORWARDED_HOST = AsciiString.cached("x-forwarded-host");
    private static final AsciiString HTTP = AsciiString.cached("http");

    private final ClientConnection client;
    private final EventLoopState state;
    private final HttpRequest request;
    private final String target;
    private final long beginNanos;
    private final RequestBody body;
    private final boolean http10;

    private String path = "/";
    private String query = "";
    private Authority authority = new Authority("", -1);
    private @Nullable Map<String, List<String>> queryParams;

    private @Nullable RuleAction action;
    private @Nullable Candidate<RuleAction> candidate;
    private RuleAction.@Nullable Backend backend;
    private @Nullable String allowedOrigin;
    private @Nullable TargetPool pool;
    private @Nullable TargetConnection connection;
    private Upstream.@Nullable Target endpoint;
    private List<MirrorAttempt> mirrors = List.of();

    private @Nullable HttpResponse pendingHead;
    private boolean keepAlive;
    private boolean upgrade;
    private boolean reused;
    private boolean responding;
    private boolean over;
    private int tries;
    private int status;
    private long bytesOut;
    private long attemptNanos;
    private long progressNanos;

    Exchange(ClientConnection client, HttpRequest request) {
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
        if (request.decoderResult().isFailure()) {
            malformed(request.decoderResult().cause());
            return;
        }
        if (request.protocolVersion().majorVersion() != 1) {
            refuse(HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED, "version", "expected HTTP/1.1");
            return;
        }
        keepAlive = HttpUtil.isKeepAlive(request);
        if (!understood()) {
            return;
        }
        RoutingTable.Found<RuleAction> found = client.port().table().find(authority.host(), this);
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

    private void malformed(Throwable cause) {
        keepAlive = false;
        if (cause instanceof TooLongHttpLineException) {
            refuse(HttpResponseStatus.REQUEST_URI_TOO_LONG, "line", "the request's first line is too long");
        } else if (cause instanceof TooLongFrameException) {
            refuse(
                    HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    "headers",
                    "the request's headers are too large");
        } else {
            refuse(HttpResponseStatus.BAD_REQUEST, "malformed", "this is no valid HTTP request");
        }
    }

    private void refuse(HttpResponseStatus code, String reason, String text) {
        keepAlive = false;
        state.plane.metrics.refused.labelValues(reason).inc();
        answer(code, text);
    }

    /** Takes host, path and query out of the head; false when they are refused. */
    private boolean understood() {
        HttpHeaders headers = request.headers();
        if (headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
                && (headers.contains(HttpHeaderNames.CONTENT_LENGTH)
                        || !HttpUtil.isTransferEncodingChunked(request)
                        || http10)) {
            refuse(
                    HttpResponseStatus.BAD_REQUEST,
                    "framing",
                    "Transfer-Encoding: expected \"chunked\", in HTTP/1.1, and no Content-Length beside it");
            return false;
        }
        if (request.method().equals(HttpMethod.CONNECT)) {
            refuse(HttpResponseStatus.METHOD_NOT_ALLOWED, "method", "CONNECT is not served");
            return false;
        }
        Iterator<String> hosts = headers.valueStringIterator(HttpHeaderNames.HOST);
        String host = hosts.hasNext() ? hosts.next() : null;
        if (hosts.hasNext() || host == null && !http10) {
            refuse(HttpResponseStatus.BAD_REQUEST, "host", "Host: expected it once");
            return false;
        }
        String origin = target;
        if (!origin.startsWith("/")) {
            int scheme = origin.startsWith("http://") ? 7 : origin.startsWith("https://") ? 8 : -1;
            if (scheme < 0) {
                refuse(HttpResponseStatus.BAD_REQUEST, "target", "the request's target: expected a path or a URL");
                return false;
            }
            int end = scheme;
            while (end < origin.length() && origin.charAt(end) != '/' && origin.charAt(end) != '?') {
                end++;
            }
            host = origin.substring(scheme, end);
            origin = end < origin.length() && origin.charAt(end) == '/'
                    ? origin.substring(end)
                    : "/" + origin.substring(end);
        }
        Authority asked = host == null || host.isEmpty() ? authority : Authority.of(host);
        int mark = origin.indexOf('?');
        String normal = RequestPath.normal(mark < 0 ? origin : origin.substring(0, mark));
        if (asked == null || normal == null) {
            refuse(
                    HttpResponseStatus.BAD_REQUEST,
                    asked == null ? "host" : "target",
                    asked == null ? "Host: expected a host name" : "the request's path is malformed");
            return false;
        }
        authority = asked;
        path = normal;
        query = mark < 0 ? "" : origin.substring(mark);
        return true;
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
        if (rule.filters.redirect != null) {
            redirect(rule.filters.redirect);
            return;
        }
        RuleAction.Backend chosen = rule.choose(state.random);
        if (chosen != null && chosen.filters().redirect != null) {
            redirect(chosen.filters().redirect);
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

    /** Makes the client's head into what the endpoint is to see. */
    private void prepare(RuleAction rule, RuleAction.Backend chosen) {
        HttpHeaders headers = request.headers();
        String protocol = headers.get(HttpHeaderNames.UPGRADE);
        upgrade = protocol != null
                && body.bodiless()
                && headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE, true);
        HopByHop.strip(headers);
        if (upgrade && protocol != null) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
            headers.set(HttpHeaderNames.UPGRADE, protocol);
        }
        String before = headers.get(X_FORWARDED_FOR);
        headers.set(X_FORWARDED_FOR, before == null ? client.address : before + ", " + client.address);
        headers.set(X_FORWARDED_PROTO, HTTP);
        String host = headers.get(HttpHeaderNames.HOST);
        if (host != null) {
            headers.set(X_FORWARDED_HOST, host);
        }
        if (!target.startsWith("/")) {
            headers.set(
                    HttpHeaderNames.HOST,
                    authority.port() < 0 ? authority.host() : authority.host() + ":" + authority.port());
        }
        rule.filters.request.apply(headers);
        chosen.filters().request.apply(headers);
        String sent = rewritten(rule.filters.rewrite, rewritten(chosen.filters().rewrite, path));
        String uri = query.isEmpty() ? sent : sent.concat(query);
        if (!uri.equals(target)) {
            request.setUri(uri);
        }
        request.setProtocolVersion(HttpVersion.HTTP_1_1);
    }

    private String rewritten(FilterConfig.@Nullable Rewrite rewrite, String sent) {
        if (rewrite == null) {
            return sent;
        }
        if (rewrite.hostname() != null) {
            request.headers().set(HttpHeaderNames.HOST, rewrite.hostname());
        }
        return rewrite.path() == null ? sent : changed(rewrite.path(), sent);
    }

    private String changed(FilterConfig.PathChange change, String from) {
        if (change.type() == FilterConfig.PathChange.Type.FULL) {
            return change.value().isEmpty() ? "/" : change.value();
        }
        int prefix = candidate == null ? 0 : Math.max(0, candidate.prefixLength());
        String by = change.value();
        int end = by.length();
        while (end > 0 && by.charAt(end - 1) == '/') {
            end--;
        }
        String whole = by.substring(0, end) + from.substring(Math.min(prefix, from.length()));
        return whole.isEmpty() ? "/" : whole;
    }

    private void redirect(FilterConfig.Redirect to) {
        String scheme = to.scheme() == null ? "http" : to.scheme();
        String host = to.hostname() == null ? authority.host() : to.hostname();
        boolean https = scheme.equals("https");
        Integer given = to.port();
        int port = given != null
                ? given
                : to.scheme() != null ? (https ? 443 : 80) : client.port().number();
        StringBuilder location = new StringBuilder(scheme).append("://").append(host);
        if (port != (https ? 443 : 80)) {
            location.append(':').append(port);
        }
        location.append(to.path() == null ? path : changed(to.path(), path)).append(query);
        answer(HttpResponseStatus.valueOf(to.status()), "", HttpHeaderNames.LOCATION, location.toString());
    }

    private void preflight(CrossOriginPolicy policy) {
        DefaultFullHttpResponse answer = local(HttpResponseStatus.NO_CONTENT, "");
        if (allowedOrigin != null) {
            policy.allow(allowedOrigin, answer.headers());
            policy.answerPreflight(request.headers(), answer.headers());
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
    public void connected(TargetConnection to, boolean usedBefore) {
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
            // Only the end of the connection says that the answer is not complete.
            end(false);
            client.close();
            return;
        }
        keepAlive &= body.complete();
        switch (failure) {
            case CONNECT -> answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "no endpoint could be reached");
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
            case CONNECT -> tries < IMPLICIT_CONNECT_TRIES && backendSize() > 1;
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
        TargetConnection to = connection;
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
                var _ = client.channel().write(head, client.channel().voidPromise());
                var _ = client.channel().writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
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
            var _ = client.channel().write(head, client.channel().voidPromise());
        }
    }

    private Object joined(HttpContent part, boolean last) {
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
        TargetConnection to = connection;
        if (!upgrade || to == null) {
            dropConnection();
            failed(Failure.MALFORMED);
            return;
        }
        responding = true;
        status = HttpResponseStatus.SWITCHING_PROTOCOLS.code();
        String protocol = head.headers().get(HttpHeaderNames.UPGRADE);
        HopByHop.strip(head.headers());
        head.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
        if (protocol != null) {
            head.headers().set(HttpHeaderNames.UPGRADE, protocol);
        }
        var _ = client.channel().writeAndFlush(head);
        connection = null;
        state.ended(this);
        Tunnel tunnel = new Tunnel(client, to, this::account);
        over = true;
        client.tunnel(tunnel);
        to.tunnel(tunnel);
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
        var _ = client.channel().write(joined(part, last), client.channel().voidPromise());
        if (last) {
            TargetConnection from = connection;
            connection = null;
            if (from != null && !body.complete()) {
                from.close();
            }
            client.channel().flush();
            end(keepAlive && body.complete());
        } else if (!client.channel().isWritable() && connection != null) {
            connection.reading(false);
        }
    }

    @Override
    public void readComplete() {
        if (responding) {
            writeHead();
            client.channel().flush();
        }
    }

    void clientWritable(boolean writable) {
        TargetConnection from = connection;
        if (from != null) {
            from.reading(writable);
        }
    }

    // ---- answers of our own

    private DefaultFullHttpResponse local(HttpResponseStatus code, String text) {
        byte[] bytes = text.isEmpty() ? new byte[0] : (text + "\n").getBytes(StandardCharsets.UTF_8);
        DefaultFullHttpResponse answer =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, code, Unpooled.wrappedBuffer(bytes));
        if (code.code() != 204) {
            answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length));
        }
        if (bytes.length > 0) {
            answer.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8");
        }
        return answer;
    }

    private void answer(HttpResponseStatus code, String text) {
        send(local(code, text));
    }

    private void answer(HttpResponseStatus code, String text, CharSequence name, String value) {
        DefaultFullHttpResponse answer = local(code, text);
        answer.headers().set(name, value);
        send(answer);
    }

    private void send(DefaultFullHttpResponse answer) {
        if (over) {
            answer.release();
            return;
        }
        status = answer.status().code();
        responding = true;
        RuleAction rule = action;
        if (rule != null && !answer.headers().contains(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN)) {
            allowOrigin(rule, answer.headers());
        }
        connectionHeader(answer.headers());
        bytesOut = answer.content().readableBytes();
        var _ = client.channel().writeAndFlush(answer);
        end(keepAlive);
    }

    // ---- the end

    private void dropConnection() {
        TargetConnection from = connection;
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

    private void account() {
        long nanos = state.now() - beginNanos;
        RuleAction rule = action;
        (rule == null ? state.plane.unrouted : rule.metrics).answered(status, nanos);
        state.accessLog.add(this, nanos);
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
            client.close();
        } else {
            keepAlive &= body.complete();
            answer(HttpResponseStatus.GATEWAY_TIMEOUT, "the service did not answer in time");
        }
    }

    // ---- what routing and the access log want to know

    @Override
    public String method() {
        return request.method().name();
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public @Nullable String header(String name) {
        Iterator<String> values = request.headers().valueStringIterator(name);
        if (!values.hasNext()) {
            return null;
        }
        String first = values.next();
        if (!values.hasNext()) {
            return first;
        }
        StringBuilder all = new StringBuilder(first);
        values.forEachRemaining(each -> all.append(',').append(each));
        return all.toString();
    }

    @Override
    public @Nullable String queryParam(String name) {
        Map<String, List<String>> params = queryParams;
        if (params == null) {
            params = parse();
            queryParams = params;
        }
        List<String> values = params.get(name);
        return values == null || values.isEmpty() ? null : values.getFirst();
    }

    private Map<String, List<String>> parse() {
        try {
            return new QueryStringDecoder(query, StandardCharsets.UTF_8, true, MOST_QUERY_PARAMS).parameters();
        } catch (IllegalArgumentException e) {
            // A malformed escape: no condition on the query holds.
            return Map.of();
        }
    }

    String clientAddress() {
        return client.address;
    }

    String host() {
        return authority.host();
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
