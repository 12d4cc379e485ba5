package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way: from its head, over what its rule asks of it and the {@link Delivery} to an endpoint, to the last byte of its
 * {@link Answer}. Used on its connection's event loop only.
 */
final class Exchange extends Chain.Member<Exchange> implements RequestKeys.Asked {
    private static final int CLIENT_GONE = 499;
    private static final long SECOND_NANOS = 1_000_000_000;

    private final ClientStream client;
    private final EventLoopState state;
    private final HttpRequest request;
    private String target;
    private final long beginNanos;
    private final RequestBody body;
    private final Answer answer;

    private RequestTarget asked = RequestTarget.UNKNOWN;
    private @Nullable RuleAction action;
    /** Null: nobody is told where the client is. */
    private @Nullable LocationHeaders locations;

    private Observation observation;
    private @Nullable RequestTrace trace;
    private @Nullable Candidate<RuleAction> candidate;
    private RuleAction.@Nullable Backend backend;
    private @Nullable AccessCheck access;
    private @Nullable Admission admission;
    private @Nullable Delivery delivery;
    /** Null: its rule keeps no answers. */
    private @Nullable CacheVisit visit;
    /** Null: the request changes nothing, or nothing is kept for its route. */
    private @Nullable CacheInvalidation changes;
    /** Null: its rule has no filters that the Gateway API does not have. */
    private @Nullable Filtering filtering;
    /** Null: no file is the answer. */
    private @Nullable FileAnswer fileAnswer;

    private @Nullable String allowedOrigin;
    /** Encodings that the client takes, before anything changes its request; null: it says nothing, or nobody has to know. */
    private @Nullable String acceptEncoding;
    /** Bytes of the body that the client has sent. */
    private long received;
    /** Where it counts as one; null when it is none. */
    private WebSockets.@Nullable PerListener webSockets;
    /** That the client gets with the answer. */
    private @Nullable String cookie;

    private List<MirrorAttempt> mirrors = List.of();
    private String reason = "";
    /** Seconds; 0: nobody knows. */
    private long retryAfter;

    /** Null: the client calls as the endpoint takes it. */
    private @Nullable CallTranslation translation;
    /** Whether an endpoint has answered, be it told or not yet. */
    private boolean answering;

    private boolean upgrade;
    private boolean over;
    private long progressNanos;

    Exchange(ClientStream client, HttpRequest request) {
        this.client = client;
        this.state = client.state();
        this.request = request;
        this.target = request.uri();
        this.observation = state.plane.observations.standard();
        this.beginNanos = state.now();
        this.progressNanos = beginNanos;
        this.body = new RequestBody(state.plane.options.maxReplayBytes(), bodiless(request));
        this.answer = new Answer(client, body, request.protocolVersion().minorVersion() == 0);
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
        Overload.Reason overload = state.overload.refuses();
        if (overload != null) {
            shed(overload);
            return;
        }
        switch (RequestTarget.read(request)) {
            case RequestReading.Refusal refusal -> refuse(refusal.code(), refusal.reason(), refusal.text());
            case RequestTarget read -> {
                asked = read;
                answer.keepAlive(HttpUtil.isKeepAlive(request));
                route();
            }
        }
    }

    private void route() {
        Port.Routing routing = client.port().routing();
        PendingChallenges challenges = routing.challenges();
        String file = challenges == null ? null : challenges.file(asked);
        if (file != null) {
            state.plane.metrics.challenges.labelValues("http-01").inc();
            send(LocalAnswer.file(file));
            return;
        }
        RoutingTable<RuleAction> table = routing.table(client.address());
        String host = asked.authority().host();
        String serverName = client.serverName();
        if (serverName != null && table.listener(serverName) != table.listener(host)) {
            // Another listener's, whose certificate the client has not seen (RFC 9110, 15.5.20).
            answer(
                    HttpResponseStatus.MISDIRECTED_REQUEST,
                    "this host name is not for a connection to that server name");
            return;
        }
        if (routing.locations() != null) {
            locate(table.listener(host), routing.locations());
        }
        RoutingTable.Found<RuleAction> found = table.find(host, new RoutedRequest(request, asked));
        if (found == null || found.candidate() == null) {
            if (found != null) {
                observe(routing.observation(found.listener()));
            }
            answer(
                    HttpResponseStatus.NOT_FOUND,
                    found == null
                            ? "no listener is for this host name"
                            : "no route matches this host name, path and method");
            return;
        }
        candidate = found.candidate();
        action = found.candidate().action();
        target = action.access.loggable(target);
        observe(action.observation);
        act(found.candidate().action());
    }

    private void locate(@Nullable ListenerConfig listener, Map<ListenerConfig, LocationHeaders> byListener) {
        LocationHeaders headers = byListener.get(listener);
        if (headers != null) {
            locations = headers;
            headers.tell(client.connection(), request.headers());
        }
    }

    private void observe(Observation by) {
        observation = by;
        Tracing tracing = by.tracing();
        if (tracing != null) {
            trace = RequestTrace.begin(
                    tracing, state, request.headers(), new RequestVariables(request, asked, client, Identity.NOBODY));
        }
    }

    private void shed(Overload.Reason why) {
        state.plane.overload.refused(why);
        reason = why.word;
        retryAfter = 1;
        answer.keepAlive(HttpUtil.isKeepAlive(request));
        answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "the gateway has too much to do");
    }

    private void refuse(HttpResponseStatus code, String reason, String text) {
        answer.keepAlive(false);
        state.plane.metrics.refused.labelValues(reason).inc();
        answer(code, text);
    }

    // ---- what its rule asks of it, a step at a time; a step answers, or goes on to the next

    private void act(RuleAction rule) {
        long length = HttpUtil.getContentLength(request, 0L);
        if (rule.transcoding != null || rule.content.compression() != null) {
            acceptEncoding = RoutedRequest.header(request.headers(), HttpHeaderNames.ACCEPT_ENCODING.toString());
        }
        if (refused(rule, length)) {
            return;
        }
        RuleAction called = rule.grpc ? called(rule) : rule;
        if (called != null && (called == rule || !refused(called, length))) {
            authorize(called);
        }
    }

    /** Whether its rule has an answer at once. */
    private boolean refused(RuleAction rule, long length) {
        if (rule.filters.cors != null) {
            allowedOrigin = rule.filters.cors.allowed(request.headers().get(HttpHeaderNames.ORIGIN));
            if (CrossOriginPolicy.preflight(request.method(), request.headers())) {
                preflight(rule.filters.cors);
                return true;
            }
        }
        if (rule.invalid != null) {
            answer(HttpResponseStatus.INTERNAL_SERVER_ERROR, "the rule for this request is not valid");
            return true;
        }
        if (rule.content.tooLong(length)) {
            tooLong();
            return true;
        }
        return false;
    }

    /** The rule that counts for the request if it may be a call in another form; null: there is none, and it was answered. */
    private @Nullable RuleAction called(RuleAction rule) {
        switch (CallReading.read(rule, request, asked, client.port().routing().table(client.address()), body)) {
            case CallReading.Refusal refusal -> {
                translate(refusal.form());
                if (refusal.malformed()) {
                    refuse(HttpResponseStatus.BAD_REQUEST, "malformed", refusal.text());
                } else {
                    answer(HttpResponseStatus.NOT_FOUND, refusal.text());
                }
                return null;
            }
            case CallReading.Call call -> {
                translate(call.form());
                asked = call.target();
                Candidate<RuleAction> by = call.rule();
                if (by != null) {
                    candidate = by;
                    action = by.action();
                    if (by.action().observation != observation) {
                        trace = null;
                        observe(by.action().observation);
                    }
                    return by.action();
                }
                return rule;
            }
        }
    }

    private void translate(@Nullable CallTranslation call) {
        if (call != null) {
            translation = call;
            state.plane.metrics.translated.labelValues(call.form()).inc();
        }
    }

    private void authorize(RuleAction rule) {
        if (rule.access.open()) {
            admit(rule);
            return;
        }
        AccessCheck.begin(rule.access, request, asked, client, body, check -> decided(rule, check));
    }

    /** Perhaps some time later. */
    private void decided(RuleAction rule, AccessCheck check) {
        access = check;
        asked = check.target();
        DefaultFullHttpResponse refusal = check.refusal();
        if (refusal != null) {
            send(refusal, check.refusalCode());
        } else if (!over) {
            admit(rule);
        }
    }

    private Identity identity() {
        AccessCheck known = access;
        return known == null ? Identity.NOBODY : known.identity();
    }

    private void admit(RuleAction rule) {
        if (rule.limits.length == 0) {
            dispatch(rule);
            return;
        }
        Admission asking = new Admission(
                rule.limits, new LimitedRequest(request, asked, client, identity(), rule.routeKey), state);
        admission = asking;
        if (asking.ask()) {
            admitted(rule, asking);
        } else {
            asking.whenAsked(() -> admitted(rule, asking));
        }
    }

    /** Perhaps some time later. */
    private void admitted(RuleAction rule, Admission by) {
        if (by.refused()) {
            send(by.refusal(request.headers()), HttpResponseStatus.TOO_MANY_REQUESTS.code());
        } else {
            dispatch(rule);
        }
    }

    /** With the filters of the rule that the Gateway API does not have. */
    private void dispatch(RuleAction rule) {
        if (rule.filters.named == null) {
            choose(rule);
        } else {
            filtering(rule).run(rule.filters.named, () -> choose(rule));
        }
    }

    private Filtering filtering(RuleAction rule) {
        Filtering through = filtering;
        if (through == null) {
            through = new Filtering(
                    this, state, body, new FilteredRequest(request, asked, client, identity(), rule, trace));
            filtering = through;
        }
        return through;
    }

    /** A filter has the answer. */
    void filterAnswers(String kind, DefaultFullHttpResponse own) {
        state.plane.metrics.filterAnswers.labelValues(kind).inc();
        int code = own.status().code();
        if (GrpcStatus.isGrpc(request.headers())) {
            String text = own.content().toString(StandardCharsets.UTF_8);
            own.release();
            send(LocalAnswer.of(HttpResponseStatus.valueOf(code), text, request.headers()), code);
            return;
        }
        if (action != null) {
            action.filters.response.apply(own.headers());
        }
        filter(own.headers(), code);
        send(own, code);
    }

    private void filter(HttpHeaders headers, int code) {
        Filtering through = filtering;
        if (through != null) {
            through.request().answer(headers, code);
        }
    }

    /** A filter lets neither the request nor its answer pass. */
    void filterRefuses(HttpResponseStatus code, String why, String text) {
        reason = why;
        state.plane.metrics.filterFailures.labelValues(why).inc();
        drop();
        answer(code, text);
    }

    /** A file is the answer. */
    void filterAnswers(RouteFilter.Files files) {
        if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)
                || translation != null
                || client.connecting()) {
            DefaultFullHttpResponse own = LocalAnswer.of(
                    HttpResponseStatus.METHOD_NOT_ALLOWED, "files are there for GET and HEAD", request.headers());
            own.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
            send(own, HttpResponseStatus.METHOD_NOT_ALLOWED.code());
            return;
        }
        state.plane.metrics.filterAnswers.labelValues("file").inc();
        FileAnswer made = new FileAnswer(this, state, request, asked, files);
        fileAnswer = made;
        made.begin(Math.max(0, prefixLength()));
    }

    /** There is no file to answer with. */
    void noFile(HttpResponseStatus code, String text) {
        answer(code, text);
    }

    private void choose(RuleAction rule) {
        if (rule.filters.redirect != null) {
            send(redirect(rule.filters.redirect));
            return;
        }
        RuleAction.Backend chosen = rule.choose(state.random);
        if (chosen != null && chosen.filters().redirect != null) {
            send(redirect(chosen.filters().redirect));
            return;
        }
        Upstream upstream = chosen == null ? null : chosen.upstream();
        if (chosen == null || upstream == null) {
            answer(HttpResponseStatus.INTERNAL_SERVER_ERROR, "the rule for this request leads nowhere");
            return;
        }
        if (chosen.filters().named == null) {
            deliver(rule, chosen);
        } else {
            filtering(rule).run(chosen.filters().named, () -> deliver(rule, chosen));
        }
    }

    private void deliver(RuleAction rule, RuleAction.Backend chosen) {
        backend = chosen;
        AnswerCache.Place cache = chosen.cache();
        // Before anything takes the header out.
        boolean credentialed = cache != null
                && (rule.access.identifies() || request.headers().contains(HttpHeaderNames.AUTHORIZATION));
        prepare(rule, chosen);
        if (upgrade && !rule.webSockets.take()) {
            reason = "websockets";
            answer(HttpResponseStatus.SERVICE_UNAVAILABLE, "too many WebSockets are open");
            return;
        }
        webSockets = upgrade ? rule.webSockets : null;
        mirror(rule.filters.mirrors);
        mirror(chosen.filters().mirrors);
        HttpMethod method = request.method();
        if (!CacheInvalidation.safe(method) && state.plane.cache.store.has(rule.routeKey)) {
            changes = new CacheInvalidation(
                    state.plane.cache,
                    rule.routeKey,
                    asked.origin(client.port().secure()),
                    asked.path() + asked.query(),
                    new HeaderFields(request.headers()));
        }
        // What is kept is kept by the host that the client has asked for.
        if (cache == null || upgrade || filtering != null && filtering.unkept()) {
            deliver();
            return;
        }
        CacheVisit made = CacheVisit.of(
                this,
                state,
                cache,
                request,
                asked.origin(client.port().secure()),
                asked.path() + asked.query(),
                credentialed,
                varying(Objects.requireNonNull(chosen.upstream())));
        visit = made;
        made.begin(body.bodiless());
    }

    /** Headers by which answers may differ without a word: that the client has not sent as the endpoint sees them, or that name endpoints. */
    private List<String> varying(Upstream upstream) {
        List<String> told = told();
        String subset = upstream.subsetHeader();
        Upstream other = upstream.fallback();
        String otherSubset = other == null ? null : other.subsetHeader();
        return subset == null && otherSubset == null
                ? told
                : Stream.concat(told.stream(), Stream.of(subset, otherSubset).filter(Objects::nonNull))
                        .distinct()
                        .toList();
    }

    private List<String> told() {
        List<String> where = locations == null ? List.of() : locations.names();
        List<String> extended =
                filtering == null ? List.of() : filtering.request().extended();
        return extended.isEmpty()
                ? where
                : Stream.concat(where.stream(), extended.stream()).distinct().toList();
    }

    /** Sends the request to an endpoint. */
    void deliver() {
        RuleAction rule = Objects.requireNonNull(action);
        Upstream upstream =
                Objects.requireNonNull(Objects.requireNonNull(backend).upstream());
        Delivery made = new Delivery(
                this, state, request, body, rule, upstream, trace, visit == null ? beginNanos : state.now());
        delivery = made;
        made.begin();
    }

    /** The same once more, after an answer that nobody has seen. */
    void deliverAgain() {
        leaveEndpoint();
        answering = false;
        deliver();
    }

    // ---- what the cache asks for

    /** Whether an answer can be fetched anew for nobody: not over connections that are one client's. */
    boolean mayRefresh() {
        Upstream upstream = backend == null ? null : backend.upstream();
        return upstream != null && upstream.state().targets().stream().allMatch(each -> each.proxyProtocol == null);
    }

    /** A request like this one that no client waits for. */
    Exchange forNobody(HttpRequest anew) {
        return new Exchange(new NobodyStream(client), anew);
    }

    /** Sends it for nobody, where another one would go. */
    void refresh(Exchange like, CacheVisit by) {
        state.began(this);
        asked = like.asked;
        candidate = like.candidate;
        action = like.action;
        backend = like.backend;
        visit = by;
        deliver();
    }

    /** The client wants nothing but what is kept, and nothing is. */
    void unkept() {
        reason = "not-kept";
        answer(HttpResponseStatus.GATEWAY_TIMEOUT, "nothing that is kept answers this request");
    }

    /** What the client gets comes from elsewhere: no endpoint is asked, waited for or counted with this request from now on. */
    void leaveEndpoint() {
        if (delivery != null) {
            delivery.drop();
            delivery.end();
        }
    }

    /** A part of an answer's body for the client, which is taken over. */
    void pass(HttpContent part) {
        answer.content(part);
    }

    /** It is over, and nobody is told. */
    void finish() {
        end(false);
    }

    /** Says in an answer what the limits have left, and what the client has to know of who it is. */
    private void tell(HttpHeaders headers) {
        AccessCheck known = access;
        if (known != null) {
            known.answered(headers);
        }
        Admission given = admission;
        if (given != null) {
            given.tell(headers);
        }
    }

    private void prepare(RuleAction rule, RuleAction.Backend chosen) {
        upgrade = body.bodiless() && client.upgradable() && ForwardedRequest.upgrades(request);
        ForwardedRequest.prepare(
                request, asked, client, upgrade, rule, chosen, prefixLength(), access, locations, filtered());
        if (upgrade && client.connecting()) {
            request.headers().set(HttpHeaderNames.SEC_WEBSOCKET_KEY, WebSocketHandshake.key(state.random));
        }
    }

    private @Nullable FilteredRequest filtered() {
        return filtering == null ? null : filtering.request();
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
                    // What came while it was found out who sends the request.
                    body.forEachWaiting(part -> copy.requestContent(part.retainedDuplicate()));
                }
            }
        }
    }

    // ---- the request's body

    boolean requestComplete() {
        return body.complete();
    }

    void requestContent(HttpContent part) {
        if (body.ignores(part)) {
            return;
        }
        progressed();
        if (over) {
            part.release();
            return;
        }
        if (part.decoderResult().isFailure()) {
            part.release();
            refuseBody(HttpResponseStatus.BAD_REQUEST, "malformed", "the request's body is not valid");
            return;
        }
        received += part.content().readableBytes();
        if (action != null && action.content.tooLong(received)) {
            part.release();
            tooLong();
            return;
        }
        if (action != null && part instanceof LastHttpContent last) {
            action.access.removeOwned(last.trailingHeaders());
            if (locations != null) {
                locations.hide(last.trailingHeaders());
            }
        }
        CallTranslation call = translation;
        HttpContent sent = call == null ? part : translated(call, part);
        if (sent != null) {
            send(sent);
        }
    }

    private void tooLong() {
        refuseBody(
                HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE,
                "too_long",
                "the request's body is longer than is allowed here");
    }

    /** An answer that has begun cannot become another one. */
    private void refuseBody(HttpResponseStatus code, String word, String text) {
        drop();
        if (answer.begun()) {
            state.plane.metrics.refused.labelValues(word).inc();
            reason = word;
            broken();
        } else {
            refuse(code, word, text);
        }
    }

    /** Null: nothing yet, or nothing any more. */
    private @Nullable HttpContent translated(CallTranslation call, HttpContent part) {
        try {
            return call.request(part);
        } catch (CallTranslation.MalformedException e) {
            refuseBody(HttpResponseStatus.BAD_REQUEST, "malformed", String.valueOf(e.getMessage()));
            return null;
        }
    }

    private void send(HttpContent part) {
        for (MirrorAttempt each : mirrors) {
            each.requestContent(part.retainedDuplicate());
        }
        Delivery to = delivery;
        boolean more = to == null ? body.take(part, null, false) : to.requestContent(part);
        // What came may have ended it, and what comes then is another request's.
        if (!more && !over) {
            client.reading(false);
        }
    }

    void requestReadComplete() {
        if (delivery != null) {
            delivery.requestReadComplete();
        }
        for (MirrorAttempt each : mirrors) {
            each.requestReadComplete();
        }
    }

    /** More of the body can be taken. */
    void requestWanted() {
        client.reading(true);
    }

    /** Something came, from either side. */
    void progressed() {
        progressNanos = state.now();
    }

    // ---- the answer, as its delivery tells it

    Answer answer() {
        return answer;
    }

    /** The head of the answer. */
    void respond(HttpResponse head) {
        answering = true;
        if (changes != null) {
            changes.answered(head.status().code(), head.headers());
        }
        if (filtering != null && filtering.asks()) {
            filtering.answer(head);
        } else {
            told(head);
        }
    }

    /** The head of the answer, when no filter has to see it any more. */
    void told(HttpResponse head) {
        CallTranslation call = translation;
        CacheVisit by = visit;
        if (by != null) {
            by.respond(head);
        } else if (call == null) {
            start(head);
        } else {
            call.response(head);
            startIfKnown(call);
        }
    }

    private void startIfKnown(CallTranslation call) {
        HttpResponse head = call.head();
        if (head != null) {
            start(head);
        }
    }

    /** Whether an endpoint answers, so that a body may follow. */
    boolean answering() {
        return answering;
    }

    /** A part of the answer's body, which is taken over. */
    void content(HttpContent part) {
        if (filtering != null && filtering.holds(part)) {
            return;
        }
        CallTranslation call = translation;
        CacheVisit by = visit;
        if (by != null) {
            by.content(part);
            return;
        }
        if (call == null) {
            answer.content(part);
            return;
        }
        HttpContent told = call.response(part);
        if (call.broken()) {
            ReferenceCountUtil.release(told);
            broken();
            return;
        }
        startIfKnown(call);
        if (told != null) {
            answer.content(told);
        }
    }

    /** Whether what the endpoint answers has no other end than its connection's. */
    boolean endsWithConnection() {
        return delivery != null && delivery.endsWithConnection();
    }

    /** Makes the head of an answer out of the cache say what it would say if its body were sent. */
    void describe(HttpResponse head) {
        if (action != null && action.content.compression() != null) {
            answer.describe(action.content.compression(), acceptEncoding, head);
        }
    }

    /** What came from the endpoint at once has been told. */
    void readComplete() {
        if (visit != null) {
            visit.readComplete();
        }
        if (answer.begun()) {
            answer.flush();
        }
    }

    /** The head of the answer that the client gets. */
    void start(HttpResponse head) {
        if (answer.begun()) {
            // A second one would be taken for the answer to the client's next request.
            broken();
            return;
        }
        HttpHeaders headers = head.headers();
        HopByHop.strip(headers);
        RuleAction rule = action;
        RuleAction.Backend chosen = backend;
        if (rule != null) {
            rule.filters.response.apply(headers);
            if (chosen != null) {
                chosen.filters().response.apply(headers);
            }
            filter(headers, head.status().code());
            allowOrigin(rule, headers);
        }
        tell(headers);
        if (cookie != null) {
            headers.add(HttpHeaderNames.SET_COOKIE, cookie);
        }
        boolean toHead = request.method().equals(HttpMethod.HEAD);
        if (rule != null && rule.content.compression() != null) {
            answer.compress(rule.content.compression(), acceptEncoding, head, toHead);
        }
        answer.begin(head, toHead);
    }

    /** All of the answer was given. */
    void responded() {
        if (filtering != null && filtering.holdsEnd()) {
            return;
        }
        CacheVisit by = visit;
        if (by != null && by.responded()) {
            return;
        }
        client.flush();
        end(answer.keepsConnection());
    }

    /** The answer has begun, and will not be completed. */
    void broken() {
        CacheVisit by = visit;
        if (by != null && by.broken()) {
            return;
        }
        end(false);
        client.abort();
    }

    /** Another service is to be asked; false: there is something better. */
    boolean fallsBack() {
        CacheVisit by = visit;
        if (by == null) {
            return true;
        }
        if (by.refreshing() || by.standsIn()) {
            return false;
        }
        by.fallBack();
        return true;
    }

    /** There will be no answer. */
    void undeliverable(HttpResponseStatus code, String text) {
        CacheVisit by = visit;
        if (by != null && by.undeliverable()) {
            return;
        }
        answer.keepIfRequestComplete();
        ResilienceConfig.Fallback.Response fallback = delivery == null ? null : delivery.fallback();
        if (delivery == null
                || fallback == null
                || GrpcStatus.isGrpc(request.headers())
                // To whom 200 would say that there is a WebSocket.
                || client.connecting()) {
            answer(code, text);
        } else {
            delivery.guard().metrics.fellBack("response");
            send(LocalAnswer.fallback(fallback));
        }
    }

    /** Why the gateway answers itself, for the access log. */
    void reason(String word) {
        reason = word;
    }

    /** When it is worth to come again, if there will be no answer; 0: nobody knows. */
    void retryAfter(long nanos) {
        retryAfter = Math.max(1, Math.ceilDiv(nanos, SECOND_NANOS));
    }

    void timedOut() {
        if (answer.begun()) {
            broken();
        } else {
            reason = Attempt.Failure.TIMEOUT.word;
            undeliverable(HttpResponseStatus.GATEWAY_TIMEOUT, Delivery.TIMED_OUT);
        }
    }

    /** Whether it asks for a WebSocket, and may get one. */
    boolean upgrades() {
        return upgrade;
    }

    /** Whether an answer of 2xx would be taken for a WebSocket. */
    boolean connecting() {
        return client.connecting();
    }

    /** Both sides speak WebSocket from now on, if it {@link #upgrades}. */
    void switched(HttpResponse head, TunnelEnd to) {
        WebSockets.PerListener bounds = Objects.requireNonNull(webSockets);
        if (access != null) {
            access.answered(head.headers());
        }
        if (filtering != null) {
            filtering.switched(head);
        }
        answer.switching(head);
        state.ended(this);
        over = true;
        client.leave();
        new Tunnel(state, client, to, bounds, this::account).begin();
    }

    private void allowOrigin(RuleAction rule, HttpHeaders headers) {
        if (rule.filters.cors != null && allowedOrigin != null) {
            rule.filters.cors.allow(allowedOrigin, headers);
            rule.filters.cors.expose(headers);
        }
    }

    boolean clientWritable() {
        return client.writable() && !full();
    }

    /** Whether the answer waits for a filter, so that the client knows nothing of it yet. */
    boolean holding() {
        return filtering != null && filtering.holding();
    }

    /** Whether nothing more is to be read of an answer that waits for a filter. */
    private boolean full() {
        return filtering != null && filtering.full();
    }

    /** A filter waits for more of the answer. */
    void readOn() {
        clientWritable(client.writable());
    }

    /** An answer that was held goes on. */
    void goOn() {
        answer.flush();
        clientWritable(client.writable());
    }

    void clientWritable(boolean writable) {
        if (full()) {
            return;
        }
        if (visit != null) {
            visit.clientWritable(writable);
        }
        if (delivery != null) {
            delivery.clientWritable(writable);
        }
        if (fileAnswer != null) {
            fileAnswer.clientWritable(writable);
        }
    }

    // ---- answers of our own

    private void answer(HttpResponseStatus code, String text) {
        DefaultFullHttpResponse own = LocalAnswer.of(code, text, request.headers());
        if (retryAfter > 0 && code.code() == HttpResponseStatus.SERVICE_UNAVAILABLE.code()) {
            own.headers().set(HttpHeaderNames.RETRY_AFTER, Long.toString(retryAfter));
        }
        send(own, code.code());
    }

    private void send(DefaultFullHttpResponse answer) {
        send(answer, answer.status().code());
    }

    /** @param code as which it counts, and stands in the access log */
    private void send(DefaultFullHttpResponse own, int code) {
        if (over) {
            own.release();
            return;
        }
        if (client.connecting() && own.status().code() < 300) {
            // It would say that there is a WebSocket (RFC 8441, 5).
            own.release();
            send(LocalAnswer.of(HttpResponseStatus.BAD_REQUEST, "there is no WebSocket here"));
            return;
        }
        RuleAction rule = action;
        if (rule != null && !own.headers().contains(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN)) {
            allowOrigin(rule, own.headers());
        }
        CallTranslation call = translation;
        DefaultFullHttpResponse told = call == null ? own : call.own(own, code);
        tell(told.headers());
        answer.whole(told, code);
        end(answer.keepsConnection());
    }

    // ---- the end

    private void drop() {
        if (delivery != null) {
            delivery.drop();
        }
        if (fileAnswer != null) {
            fileAnswer.drop();
        }
    }

    private void end(boolean keep) {
        if (over) {
            return;
        }
        over = true;
        drop();
        if (filtering != null) {
            filtering.end();
        }
        if (visit != null) {
            visit.end();
        }
        body.release();
        answer.release();
        for (MirrorAttempt each : mirrors) {
            if (!body.complete()) {
                each.abandon();
            }
        }
        state.ended(this);
        account();
        client.ended(this, keep, body.complete());
    }

    boolean over() {
        return over;
    }

    /** Whether the whole answer was written. */
    boolean answered() {
        return answer.complete();
    }

    private void account() {
        if (delivery != null) {
            delivery.end();
        }
        if (visit != null && visit.refreshing()) {
            return;
        }
        long endNanos = state.now();
        RuleAction rule = action;
        (rule == null ? state.plane.unrouted : rule.metrics).answered(answer.status(), endNanos - beginNanos);
        state.tell(
                observation,
                state.report
                        .of(client, request, asked, target)
                        .went(candidate, access, admission, delivery, reason)
                        .visited(visit)
                        .traced(trace)
                        .ended(body, answer, beginNanos, endNanos));
        Admission given = admission;
        if (given != null) {
            given.end();
        }
        if (webSockets != null) {
            webSockets.giveBack();
        }
    }

    void clientGone() {
        if (!over) {
            if (!answer.begun()) {
                answer.status(CLIENT_GONE);
            }
            end(false);
        }
    }

    void checkDeadlines(long now) {
        if (over) {
            return;
        }
        if (filtering != null) {
            filtering.checkDeadline(now);
            if (over) {
                return;
            }
        }
        RuleAction rule = action;
        boolean still = now - progressNanos > state.plane.options.stalled().toNanos();
        boolean late = rule != null
                && rule.requestTimeoutNanos > 0
                && now - beginNanos > rule.requestTimeoutNanos
                // What comes out of a cache waits for nobody but the client.
                && (visit == null || !visit.sends());
        if (still && !body.complete() && !answer.begun()) {
            drop();
            refuse(HttpResponseStatus.REQUEST_TIMEOUT, "slow", "the request did not come in time");
        } else if (still || late) {
            if (delivery != null) {
                delivery.giveUp();
            }
            timedOut();
        } else if (visit != null && visit.checkDeadline(now)) {
            // No endpoint can be late with it.
            return;
        } else if (delivery != null && !full()) {
            delivery.checkDeadline(now);
        }
    }

    /** Which it came on. */
    Client connection() {
        return client.connection();
    }

    // ---- what load balancers go by

    @Override
    public HttpHeaders headers() {
        return request.headers();
    }

    @Override
    public @Nullable String queryParameter(String name) {
        return new RoutedRequest(request, asked).queryParam(name);
    }

    @Override
    public void addCookie(String setCookie) {
        cookie = setCookie;
    }

    @Override
    public String clientAddress() {
        return client.address();
    }
}
