package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.CheckMessages.HeaderChange;
import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Source;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the security policies of a rule say about a request, each asked in turn until one refuses. It may have to wait for that, and goes on on the
 * request's event loop; used on that only.
 */
final class AccessCheck {
    /** What is to be done once it is known. */
    @FunctionalInterface
    interface Continuation {
        void decided(AccessCheck check);
    }

    private final RuleAccess access;
    private final HttpRequest request;
    private final ClientStream client;
    private final RequestBody body;
    private final Continuation then;
    private RequestTarget target;
    private Identity identity = Identity.NOBODY;
    private final List<AccessMethod> accepted = new ArrayList<>(1);
    private final List<Outcome.Known> known = new ArrayList<>(1);

    private int policy;
    private int method;
    private List<@Nullable String> problems = List.of();
    private @Nullable String unavailable;
    private Outcome.@Nullable Answered answered;
    private @Nullable DefaultFullHttpResponse refusal;
    private int refusalCode;
    private String refusedBy = "";

    private AccessCheck(
            RuleAccess access,
            HttpRequest request,
            RequestTarget target,
            ClientStream client,
            RequestBody body,
            Continuation then) {
        this.access = access;
        this.request = request;
        this.target = target;
        this.client = client;
        this.body = body;
        this.then = then;
    }

    /**
     * Begins.
     *
     * @param then is told what was decided: before this returns, or later
     */
    static void begin(
            RuleAccess access,
            HttpRequest request,
            RequestTarget target,
            ClientStream client,
            RequestBody body,
            Continuation then) {
        access.removeOwned(request.headers());
        new AccessCheck(access, request, target, client, body, then).nextPolicy();
    }

    private RequestCredentials credentials() {
        return new RequestCredentials(request, target, client, body, access.authorities);
    }

    // ---- one policy after the other

    private void nextPolicy() {
        if (policy == access.policies.size()) {
            admit();
            return;
        }
        AccessPolicy asked = access.policies.get(policy);
        if (asked.invalid != null) {
            asked.metrics.invalid.inc();
            refuse(asked, HttpResponseStatus.INTERNAL_SERVER_ERROR, "a security policy for this request is not valid");
            return;
        }
        method = 0;
        unavailable = null;
        answered = null;
        problems = new ArrayList<>(asked.methods.size());
        nextMethod(asked);
    }

    private void nextMethod(AccessPolicy asked) {
        if (method == asked.methods.size()) {
            unauthenticated(asked);
            return;
        }
        AccessMethod tried = asked.methods.get(method++);
        tried.ask(credentials(), outcome -> {
            EventLoop loop = client.state().loop;
            if (loop.inEventLoop()) {
                found(asked, tried, outcome);
                return;
            }
            client.state().execute(() -> found(asked, tried, outcome));
        });
    }

    private void found(AccessPolicy asked, AccessMethod tried, Outcome outcome) {
        switch (outcome) {
            case Outcome.Known good -> {
                identity = good.identity();
                known.add(good);
                accepted.add(tried);
                authorize(asked);
            }
            case Outcome.Absent _ -> {
                problems.add(null);
                nextMethod(asked);
            }
            case Outcome.Refused refused -> {
                problems.add(refused.why());
                nextMethod(asked);
            }
            case Outcome.Answered elsewhere -> {
                answered = elsewhere;
                problems.add("it was refused");
                nextMethod(asked);
            }
            case Outcome.Replied reply -> {
                asked.metrics.replied.inc();
                refuse(asked, reply);
            }
            case Outcome.Unavailable later
            when later.absent() && asked.optional -> {
                problems.add(null);
                nextMethod(asked);
            }
            case Outcome.Unavailable later -> {
                unavailable = later.why();
                problems.add(later.why());
                nextMethod(asked);
            }
        }
    }

    /** No method has succeeded, or there is none. */
    private void unauthenticated(AccessPolicy asked) {
        String problem = null;
        for (String each : problems) {
            problem = problem == null ? each : problem;
        }
        if (unavailable != null) {
            asked.metrics.unavailable.inc();
            refuse(asked, HttpResponseStatus.SERVICE_UNAVAILABLE, unavailable);
        } else if (answered != null) {
            asked.metrics.denied.inc();
            HttpResponseStatus code = HttpResponseStatus.valueOf(answered.status());
            refuse(asked, code, LocalAnswer.of(code, answered.headers(), answered.body(), request.headers()));
        } else if (asked.methods.isEmpty() || problem == null && asked.optional) {
            authorize(asked);
        } else {
            asked.metrics.unauthenticated.inc();
            Outcome.Replied login = login(asked);
            if (login != null) {
                refuse(asked, login);
                return;
            }
            List<String> challenges = asked.challenges(problems);
            // Where nothing can be asked for by HTTP, 401 would be no answer (RFC 9110, 15.5.2).
            HttpResponseStatus code =
                    challenges.isEmpty() ? HttpResponseStatus.FORBIDDEN : HttpResponseStatus.UNAUTHORIZED;
            DefaultFullHttpResponse answer =
                    LocalAnswer.of(code, problem == null ? "credentials are needed" : problem, request.headers());
            answer.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, challenges);
            refuse(asked, code, answer);
        }
    }

    private Outcome.@Nullable Replied login(AccessPolicy asked) {
        RequestCredentials credentials = credentials();
        for (AccessMethod each : asked.methods) {
            Outcome.Replied login = each.login(credentials);
            if (login != null) {
                return login;
            }
        }
        return null;
    }

    private void authorize(AccessPolicy asked) {
        if (asked.allows(new RequestVariables(request, target, client, identity))) {
            asked.metrics.allowed.inc();
            policy++;
            nextPolicy();
        } else {
            asked.metrics.denied.inc();
            refuse(asked, HttpResponseStatus.FORBIDDEN, "this is not allowed");
        }
    }

    // ---- what comes of it

    private void refuse(AccessPolicy by, HttpResponseStatus code, String text) {
        refuse(by, code, LocalAnswer.of(code, text, request.headers()));
    }

    private void refuse(AccessPolicy by, Outcome.Replied reply) {
        HttpResponseStatus code = HttpResponseStatus.valueOf(reply.status());
        DefaultFullHttpResponse answer = LocalAnswer.of(code, reply.text());
        reply.headers().forEach(each -> answer.headers().add(each.name(), each.value()));
        refuse(by, code, answer);
    }

    private void refuse(AccessPolicy by, HttpResponseStatus code, DefaultFullHttpResponse answer) {
        refusedBy = by.name;
        refusalCode = code.code();
        refusal = answer;
        then.decided(this);
    }

    private void admit() {
        Set<Source> forwarded = new HashSet<>();
        for (AccessMethod each : accepted) {
            if (each.forwards()) {
                forwarded.addAll(each.sources());
            }
        }
        RequestCredentials credentials = credentials();
        for (AccessPolicy each : access.policies) {
            for (AccessMethod method : each.methods) {
                for (Source source : method.sources()) {
                    if (!forwarded.contains(source)) {
                        credentials = credentials.without(source);
                    }
                }
            }
        }
        target = credentials.target();
        tell(request.headers());
        then.decided(this);
    }

    /** Sets the headers that tell the backend who sends the request. */
    void tell(HttpHeaders to) {
        for (Outcome.Known each : known) {
            each.removed().forEach(to::remove);
            each.headers().forEach(header -> to.remove(header.name()));
        }
        known.forEach(each -> each.headers().forEach(header -> to.add(header.name(), header.value())));
    }

    /** Changes an answer as methods want it for the client. */
    void answered(HttpHeaders to) {
        known.forEach(each -> each.toClient().forEach(change -> change(to, change)));
    }

    private static void change(HttpHeaders to, HeaderChange change) {
        boolean there = to.contains(change.name());
        switch (change.change()) {
            case APPEND -> to.add(change.name(), change.value());
            case SET -> to.set(change.name(), change.value());
            case ADD_IF_ABSENT -> {
                if (!there) {
                    to.set(change.name(), change.value());
                }
            }
            case OVERWRITE_IF_EXISTS -> {
                if (there) {
                    to.set(change.name(), change.value());
                }
            }
        }
    }

    /** What the client is answered; null when the request may go on. */
    @Nullable
    DefaultFullHttpResponse refusal() {
        return refusal;
    }

    /** As which the refusal counts. */
    int refusalCode() {
        return refusalCode;
    }

    /** The policy that refuses; empty when none does. */
    String refusedBy() {
        return refusedBy;
    }

    Identity identity() {
        return identity;
    }

    /** The request's target, without credentials. */
    RequestTarget target() {
        return target;
    }
}
