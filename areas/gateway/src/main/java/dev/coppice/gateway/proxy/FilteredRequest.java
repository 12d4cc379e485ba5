package dev.coppice.gateway.proxy;

import dev.coppice.expression.EvaluationException;
import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.config.ReservedHeaders;
import dev.coppice.gateway.filter.FilterRequest;
import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.HeaderField;
import dev.coppice.gateway.filter.Headers;
import dev.coppice.gateway.filter.RequestOutcome;
import dev.coppice.gateway.route.RequestPath;
import dev.coppice.gateway.template.Template;
import dev.coppice.gateway.template.TemplateField;
import dev.coppice.gateway.template.TemplateValues;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the HTTPRouteFilters of its rule make of a request: they see it as the client has sent it, but for the path and query, which are as the
 * filters before left them. Used on its event loop only.
 */
final class FilteredRequest {
    /** Characters that a header may get. */
    private static final int MOST_HEADER = 8 << 10;
    /** Characters that all of a request's headers may get. */
    private static final int MOST_HEADERS = 32 << 10;

    private static final int MOST_HOST = 255;
    private static final int MOST_REQUEST_ID = 128;
    private static final AsciiString REQUEST_ID = AsciiString.cached("x-request-id");
    private static final AsciiString CONTENT_TYPE_OPTIONS = AsciiString.cached("x-content-type-options");
    private static final AsciiString NOSNIFF = AsciiString.cached("nosniff");

    /** What a filter came to. */
    sealed interface Step {
        /** The request goes on. */
        record On() implements Step {}

        /** This is the answer. */
        record Direct(DefaultFullHttpResponse answer) implements Step {}

        /** The filter of an extension says what becomes of it. */
        record Extension(FilterRunner runner) implements Step {}

        /** A function says what becomes of it. */
        record Function(FunctionFilter filter) implements Step {}

        /** A file is the answer. */
        record Files(RouteFilter.Files files) implements Step {}

        /**
         * The request cannot go on.
         *
         * @param reason in metrics and the access log
         */
        record Refused(HttpResponseStatus code, String reason, String text) implements Step {}
    }

    private static final Step ON = new Step.On();

    /** A filter that cannot be run must not be skipped. */
    static final Step MISSING = refused(
            HttpResponseStatus.INTERNAL_SERVER_ERROR, "filter_missing", "a filter for this request cannot be run");

    /** A change of the request's headers; without a value the header goes. */
    private record Change(AsciiString name, @Nullable String value, boolean add) {}

    /** A change of the answer's. */
    private record AnswerChange(AsciiString name, @Nullable Template value, boolean add) {}

    final HttpRequest request;
    final ClientStream client;
    final Identity identity;
    final RuleAction rule;
    final @Nullable RequestTrace trace;

    private RequestTarget target;
    private @Nullable String host;
    private final List<Change> changes = new ArrayList<>();
    private final List<AnswerChange> answerChanges = new ArrayList<>(0);
    /** Headers that extensions change, in lower case. */
    private List<String> extended = List.of();

    private int characters;
    private @Nullable String requestId;

    FilteredRequest(
            HttpRequest request,
            RequestTarget target,
            ClientStream client,
            Identity identity,
            RuleAction rule,
            @Nullable RequestTrace trace) {
        this.request = request;
        this.target = target;
        this.client = client;
        this.identity = identity;
        this.rule = rule;
        this.trace = trace;
    }

    /** As the filters so far leave it. */
    RequestTarget target() {
        return target;
    }

    /** What the client calls the request, if that is short and plain, or else a random number. */
    String requestId() {
        String known = requestId;
        if (known == null) {
            String given = request.headers().get(REQUEST_ID);
            known = given != null && plain(given) ? given : client.state().randomHex();
            requestId = known;
        }
        return known;
    }

    private static boolean plain(String id) {
        if (id.isEmpty() || id.length() > MOST_REQUEST_ID) {
            return false;
        }
        for (int i = 0; i < id.length(); i++) {
            if (id.charAt(i) <= ' ' || id.charAt(i) >= 0x7F) {
                return false;
            }
        }
        return true;
    }

    /** Runs a filter. */
    Step run(RouteFilter filter) {
        Map<String, String> segments = filter.path == null ? Map.of() : filter.path.match(target.path());
        if (segments == null) {
            return ON;
        }
        try {
            if (filter.when != null && !filter.when.test(new RequestVariables(request, target, client, identity))) {
                return ON;
            }
        } catch (EvaluationException e) {
            // Nobody gets past a filter by making its condition fail.
            return refused(
                    HttpResponseStatus.INTERNAL_SERVER_ERROR,
                    "filter_condition",
                    "the condition of a filter for this request fails");
        }
        FilterValues values = new FilterValues(this, segments);
        if (!answerChanges(filter.response, values)) {
            return tooLong();
        }
        if (filter.files != null) {
            return new Step.Files(filter.files);
        }
        if (filter.direct != null) {
            return direct(filter.direct, values);
        }
        Step step = requestChanges(filter.request, values) ? rewrite(filter, values) : tooLong();
        if (step != ON) {
            return step;
        }
        if (filter.extension != null) {
            return new Step.Extension(filter.extension);
        }
        if (filter.function == null) {
            return ON;
        }
        FunctionFilter function = filter.function.current();
        return function.broken() ? MISSING : new Step.Function(function);
    }

    private static Step refused(HttpResponseStatus code, String reason, String text) {
        return new Step.Refused(code, reason, text);
    }

    private static Step tooLong() {
        return refused(
                HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "filter_too_long",
                "what a filter makes of this request is too long");
    }

    // ---- headers

    private boolean requestChanges(RouteFilter.Changes by, TemplateValues values) {
        by.removed().forEach(each -> changes.add(new Change(each, null, false)));
        for (RouteFilter.Value each : by.set()) {
            String value = header(each.template(), values);
            if (value == null) {
                return false;
            }
            changes.add(new Change(each.name(), value.isEmpty() ? null : value, false));
        }
        for (RouteFilter.Value each : by.added()) {
            String value = header(each.template(), values);
            if (value == null) {
                return false;
            }
            if (!value.isEmpty()) {
                changes.add(new Change(each.name(), value, true));
            }
        }
        return true;
    }

    /** Without blanks at its ends; null when it is too long. */
    private @Nullable String header(Template template, TemplateValues values) {
        String value = template.text(values, MOST_HEADER);
        if (value != null) {
            characters += value.length();
        }
        return value == null || characters > MOST_HEADERS ? null : value.strip();
    }

    private boolean answerChanges(RouteFilter.Changes by, TemplateValues values) {
        if (by.none()) {
            return true;
        }
        by.removed().forEach(each -> answerChanges.add(new AnswerChange(each, null, false)));
        for (boolean add : new boolean[] {false, true}) {
            for (RouteFilter.Value each : add ? by.added() : by.set()) {
                Template bound = each.template().bound(values, MOST_HEADER);
                if (bound == null) {
                    return false;
                }
                characters += bound.length();
                answerChanges.add(new AnswerChange(each.name(), bound, add));
            }
        }
        return characters <= MOST_HEADERS;
    }

    /** Whether it goes to another host than the client has asked for. */
    boolean rehosted() {
        return host != null;
    }

    /** Changes the head of the request that is sent on. */
    void change(HttpHeaders headers) {
        for (Change each : changes) {
            set(headers, each.name, each.value, each.add);
        }
        if (host != null) {
            headers.set(HttpHeaderNames.HOST, host);
        }
    }

    /** Changes the head of the answer. */
    void answer(HttpHeaders headers, int status) {
        for (AnswerChange each : answerChanges) {
            String value = each.value == null
                    ? null
                    : each.value.text(
                            (field, name) -> field == TemplateField.STATUS
                                    ? Integer.toString(status)
                                    : RoutedRequest.header(headers, name),
                            MOST_HEADER);
            if (each.value != null && value == null) {
                client.state()
                        .plane
                        .metrics
                        .filterFailures
                        .labelValues("filter_too_long")
                        .inc();
            } else {
                set(headers, each.name, value == null ? null : value.strip(), each.add);
            }
        }
    }

    private static void set(HttpHeaders headers, AsciiString name, @Nullable String value, boolean add) {
        if (value == null || value.isEmpty()) {
            if (!add) {
                headers.remove(name);
            }
        } else if (add) {
            headers.add(name, value);
        } else {
            headers.set(name, value);
        }
    }

    // ---- the path, query and host

    private Step rewrite(RouteFilter filter, TemplateValues values) {
        int most = client.state().plane.options.maxLineBytes();
        // Each is made of what was there before this filter.
        String hostname = filter.hostname == null ? null : filter.hostname.text(values, MOST_HOST);
        if (filter.hostname != null && (hostname == null || Authority.of(hostname) == null)) {
            return refused(
                    HttpResponseStatus.BAD_REQUEST, "filter_host", "a filter makes of this request one for no host");
        }
        String path = target.path();
        String query = target.query();
        if (filter.pathByRegex != null) {
            path = filter.pathByRegex.apply(path, most);
        } else if (filter.pathByTemplate != null) {
            path = filter.pathByTemplate.text(values, most);
        }
        if (path != null && filter.queryByTemplate != null) {
            String made = filter.queryByTemplate.text(values, most);
            query = made == null || made.isEmpty() ? made : "?" + made;
        }
        query = query == null ? null : parameters(filter.query, query, values, most);
        if (path == null || query == null || path.length() + query.length() > most) {
            return refused(
                    HttpResponseStatus.REQUEST_URI_TOO_LONG,
                    "filter_too_long",
                    "what a filter makes of this request is too long");
        }
        if (!retarget(path, query)) {
            return refused(
                    HttpResponseStatus.BAD_REQUEST, "filter_path", "a filter makes of this request one for no path");
        }
        if (hostname != null) {
            host = hostname;
        }
        return ON;
    }

    /** Whether these can be a path and a query. */
    private boolean retarget(String path, String query) {
        boolean good = path.startsWith("/")
                && path.equals(RequestPath.normal(path))
                && (query.isEmpty() || query.startsWith("?"))
                && RequestTarget.printable(query);
        if (good) {
            target = new RequestTarget(target.authority(), path, query);
        }
        return good;
    }

    private static @Nullable String parameters(RouteFilter.Changes by, String query, TemplateValues values, int most) {
        String changed = query;
        for (AsciiString each : by.removed()) {
            changed = QueryParameters.without(changed, each.toString());
        }
        for (RouteFilter.Value each : by.set()) {
            changed = QueryParameters.without(changed, each.name().toString());
        }
        StringBuilder all = new StringBuilder(changed);
        for (List<RouteFilter.Value> some : List.of(by.set(), by.added())) {
            for (RouteFilter.Value each : some) {
                String value = each.template().text(values, most);
                if (value == null || all.length() + value.length() > most) {
                    return null;
                }
                if (!value.isEmpty()) {
                    all.append(all.isEmpty() ? '?' : '&')
                            .append(RouteFilter.written(each.name()))
                            .append('=')
                            .append(value);
                }
            }
        }
        return all.toString();
    }

    // ---- answers

    private Step direct(RouteFilter.Direct direct, TemplateValues values) {
        byte[] body = direct.bytes();
        if (direct.body() != null) {
            String text = direct.body().text(values, direct.bytes().length + MOST_HEADERS);
            if (text == null) {
                return tooLong();
            }
            body = text.getBytes(StandardCharsets.UTF_8);
        }
        DefaultFullHttpResponse answer = whole(direct.status(), body);
        if (body.length > 0 && !empty(direct.status())) {
            answer.headers().set(HttpHeaderNames.CONTENT_TYPE, direct.contentType());
            if (direct.body() != null) {
                // What a client has sent is not to be taken for something else than it says.
                answer.headers().set(CONTENT_TYPE_OPTIONS, NOSNIFF);
            }
        }
        return new Step.Direct(answer);
    }

    private static boolean empty(int status) {
        return status == 204 || status == 205 || status == 304;
    }

    private DefaultFullHttpResponse whole(int status, byte[] body) {
        boolean empty = empty(status);
        boolean toHead = request.method().equals(HttpMethod.HEAD);
        DefaultFullHttpResponse answer = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(status),
                empty || toHead ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
        if (status != 204 && status != 304) {
            answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(empty ? 0 : body.length));
        }
        return answer;
    }

    // ---- filters of extensions

    /** The request as the next filter sees it. */
    FilterRequest shown(byte[] body, boolean whole) {
        HttpHeaders headers = request.headers().copy();
        change(headers);
        return new FilterRequest(
                request.method().name(),
                client.port().secure() ? "https" : "http",
                target.authority().host(),
                target.path(),
                target.query(),
                shown(headers),
                client.address(),
                identity.subject(),
                rule.route,
                body,
                whole);
    }

    static Headers shown(HttpHeaders headers) {
        return new Headers(headers.entries());
    }

    /** Headers that extensions change, in lower case: by what, nobody knows. */
    List<String> extended() {
        return extended;
    }

    /** Does what a filter says; false: it says what cannot be done. */
    boolean change(RequestOutcome.Passed by) {
        HeaderChanges headers = by.headers();
        if (names(headers).anyMatch(ReservedHeaders::forAnything)) {
            return false;
        }
        if (!retarget(
                by.path() == null ? target.path() : by.path(), by.query() == null ? target.query() : by.query())) {
            return false;
        }
        extended = Stream.concat(extended.stream(), names(headers)).distinct().toList();
        headers.remove().forEach(each -> changes.add(new Change(AsciiString.of(each), null, false)));
        headers.set().forEach(each -> changes.add(new Change(AsciiString.of(each.name()), each.value(), false)));
        headers.add().forEach(each -> changes.add(new Change(AsciiString.of(each.name()), each.value(), true)));
        return true;
    }

    private static Stream<String> names(HeaderChanges changes) {
        return Stream.concat(
                        changes.remove().stream(),
                        Stream.concat(changes.set().stream(), changes.add().stream())
                                .map(HeaderField::name))
                .map(each -> each.toLowerCase(Locale.ROOT));
    }

    /** Changes the headers of an answer; false: it says what cannot be done. */
    static boolean change(HttpHeaders headers, HeaderChanges by) {
        if (names(by).anyMatch(ReservedHeaders::forAnswers)) {
            return false;
        }
        by.remove().forEach(headers::remove);
        by.set().forEach(each -> headers.set(each.name(), each.value()));
        by.add().forEach(each -> headers.add(each.name(), each.value()));
        return true;
    }

    /** The answer of a filter; null: it says what cannot be done. */
    @Nullable
    DefaultFullHttpResponse answer(RequestOutcome.Answered by) {
        if (by.headers().stream()
                .anyMatch(each -> ReservedHeaders.forAnswers(each.name().toLowerCase(Locale.ROOT)))) {
            return null;
        }
        DefaultFullHttpResponse answer = whole(by.status(), by.body());
        by.headers().forEach(each -> answer.headers().add(each.name(), each.value()));
        return answer;
    }
}
