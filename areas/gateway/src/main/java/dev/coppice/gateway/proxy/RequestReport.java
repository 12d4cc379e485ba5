package dev.coppice.gateway.proxy;

import dev.coppice.expression.Variables;
import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.log.LogField;
import dev.coppice.gateway.log.SecretHeaders;
import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.tap.TappedRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What is told of a request that is over. Each event loop has one, which shows one request after the other, so that telling costs no memory.
 * Used on that loop only.
 */
final class RequestReport implements TappedRequest, Reported {
    private @Nullable ClientStream client;
    private @Nullable HttpRequest request;
    private RequestTarget asked = RequestTarget.UNKNOWN;
    private String target = "";
    private @Nullable Candidate<RuleAction> candidate;
    private @Nullable RuleAction rule;
    private @Nullable RequestTrace trace;
    private @Nullable Delivery delivery;
    private @Nullable AccessCheck access;
    private @Nullable Admission admission;
    private String reason = "";
    private @Nullable CacheVisit cache;
    private @Nullable Answer answer;
    private @Nullable RequestBody body;
    private long beginNanos;
    private long endNanos;
    private @Nullable RequestVariables variables;

    /** @param target as it may be told */
    RequestReport of(ClientStream client, HttpRequest request, RequestTarget asked, String target) {
        this.client = client;
        this.request = request;
        this.asked = asked;
        this.target = target;
        this.variables = null;
        return this;
    }

    /** What became of it on its way; null for what it did not come to. */
    RequestReport went(
            @Nullable Candidate<RuleAction> by,
            @Nullable AccessCheck checked,
            @Nullable Admission admitted,
            @Nullable Delivery delivered,
            String why) {
        candidate = by;
        rule = by == null ? null : by.action();
        access = checked;
        admission = admitted;
        delivery = delivered;
        reason = why;
        return this;
    }

    /** @param visit null: its rule has no cache */
    RequestReport visited(@Nullable CacheVisit visit) {
        cache = visit;
        return this;
    }

    RequestReport traced(@Nullable RequestTrace in) {
        trace = in;
        return this;
    }

    RequestReport ended(RequestBody sent, Answer given, long begin, long end) {
        body = sent;
        answer = given;
        beginNanos = begin;
        endNanos = end;
        return this;
    }

    /** It shows nothing any more. */
    void clear() {
        client = null;
        request = null;
        variables = null;
        var _ = went(null, null, null, null, "");
        cache = null;
        trace = null;
        answer = null;
        body = null;
    }

    private static <T> T shown(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("no request is shown");
        }
        return value;
    }

    @Override
    public int status() {
        return shown(answer).status();
    }

    /** From its head to the end of its answer. */
    @Override
    public long nanos() {
        return endNanos - beginNanos;
    }

    /** When its head came. */
    long beginNanos() {
        return beginNanos;
    }

    /** When its answer ended. */
    long endNanos() {
        return endNanos;
    }

    /** Null: it is not traced. */
    @Nullable
    RequestTrace trace() {
        return trace;
    }

    /** As the client sent it, without credentials. */
    String target() {
        return target;
    }

    /** As the endpoint got it, without credentials. */
    String sentTarget() {
        String uri = shown(request).uri();
        return rule == null ? uri : rule.access.loggable(uri);
    }

    /** In its normal form. */
    String path() {
        return asked.path();
    }

    /** Which paths its rule's match takes; empty when no route wanted it. */
    String pathTemplate() {
        if (candidate == null) {
            return "";
        }
        String value = candidate.path().value();
        return candidate.path().type() == MatchConfig.PathMatch.Type.PREFIX
                ? value + (value.endsWith("/") ? "*" : "/*")
                : value;
    }

    boolean secure() {
        return shown(client).port().secure();
    }

    /** Where it came in. */
    int port() {
        return shown(client).port().number();
    }

    /** Such as {@code 1.1}. */
    String protocolVersion() {
        String protocol = shown(text(LogField.PROTOCOL));
        return protocol.substring(protocol.indexOf('/') + 1);
    }

    private HttpHeaders headers() {
        return shown(request).headers();
    }

    private Identity identity() {
        return access == null ? Identity.NOBODY : access.identity();
    }

    @Override
    public String route() {
        return rule == null ? "" : rule.route;
    }

    @Override
    public Variables variables() {
        RequestVariables known = variables;
        if (known == null) {
            known = new RequestVariables(shown(request), asked, shown(client), identity());
            variables = known;
        }
        RequestVariables head = known;
        return name -> switch (name) {
            case "response.code" -> (long) status();
            case "response.millis" -> nanos() / 1_000_000;
            case "response.bytes" -> shown(answer).bytes();
            case "response.reason" -> reason;
            case "request.bytes" -> shown(body).bytes();
            case "route.name" -> route();
            default -> head.get(name);
        };
    }

    @Override
    public @Nullable String text(LogField field) {
        return switch (field) {
            case CLIENT -> shown(client).address();
            case METHOD -> shown(request).method().name();
            case HOST -> asked.authority().host();
            case TARGET -> target;
            case PROTOCOL ->
                shown(client) instanceof Http2ClientStream
                        ? "HTTP/2"
                        : shown(answer).protocol();
            case ROUTE -> route();
            case UPSTREAM -> delivery == null ? "" : delivery.upstream();
            case ENDPOINT -> {
                Upstream.Target to = delivery == null ? null : delivery.endpoint();
                yield to == null ? "" : to.toString();
            }
            case SUBJECT -> identity().subject();
            case POLICY -> access == null ? "" : access.refusedBy();
            case LIMIT -> admission == null ? "" : admission.refusedBy();
            case REASON -> reason;
            case CACHE -> cache == null ? "" : cache.word();
            case AGENT -> headers().get(HttpHeaderNames.USER_AGENT);
            case REFERER -> requestHeader("referer");
            case TRACE_ID -> trace == null ? "" : trace.place().traceId();
            case SPAN_ID ->
                trace == null || !trace.sampled() ? "" : trace.place().spanId();
            case TIME, STATUS, BYTES_IN, BYTES_OUT, MICROS, TRIES -> throw new IllegalArgumentException(field.word());
        };
    }

    @Override
    public long number(LogField field) {
        return switch (field) {
            case STATUS -> status();
            case BYTES_IN -> shown(body).bytes();
            case BYTES_OUT -> shown(answer).bytes();
            case MICROS -> nanos() / 1000;
            case TRIES -> delivery == null ? 0 : delivery.tries();
            default -> throw new IllegalArgumentException(field.word());
        };
    }

    @Override
    public @Nullable String requestHeader(String name) {
        String value = headers().get(name);
        return value == null ? null : shown(name, value);
    }

    private String shown(String name, String value) {
        if (secret(name)) {
            return SecretHeaders.MASK;
        }
        return rule != null && name.equals("referer") ? rule.access.loggableReferer(value) : value;
    }

    @Override
    public @Nullable String claim(String name) {
        return identity().claim(name);
    }

    @Override
    public @Nullable String responseHeader(String name) {
        HttpHeaders all = shown(answer).headers();
        String value = all == null ? null : all.get(name);
        return value == null ? null : answered(name, value);
    }

    /** A header of an answer as it may be told: where somebody is sent has codes, states and tokens in its query. */
    private static String answered(String name, String value) {
        if (SecretHeaders.secret(name)) {
            return SecretHeaders.MASK;
        }
        if (name.equals("location")) {
            for (int i = 0; i < value.length(); i++) {
                if (value.charAt(i) == '?' || value.charAt(i) == '#') {
                    return value.substring(0, i + 1) + SecretHeaders.MASK;
                }
            }
        }
        return value;
    }

    @Override
    public void requestHeaders(BiConsumer<String, String> each) {
        for (Map.Entry<String, String> header : headers()) {
            each.accept(header.getKey(), shown(header.getKey().toLowerCase(Locale.ROOT), header.getValue()));
        }
    }

    @Override
    public void responseHeaders(BiConsumer<String, String> each) {
        HttpHeaders all = shown(answer).headers();
        if (all != null) {
            for (Map.Entry<String, String> header : all) {
                each.accept(header.getKey(), answered(header.getKey().toLowerCase(Locale.ROOT), header.getValue()));
            }
        }
    }

    private boolean secret(String name) {
        return SecretHeaders.secret(name) || rule != null && rule.access.credential(name);
    }
}
