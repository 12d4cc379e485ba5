package dev.coppice.gateway.control;

import com.google.re2j.Pattern;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.control.RuleDraft.Backend;
import dev.coppice.gateway.control.RuleDraft.Step;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.GrpcRouteSpec;
import dev.coppice.gateway.kind.HttpFilter;
import dev.coppice.gateway.kind.HttpRouteSpec;
import dev.coppice.gateway.kind.LocalReference;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;

/** Reads rules of HTTPRoutes and GRPCRoutes. What cannot be served is told in the draft, never thrown. */
final class RuleReader {
    private static final int MOST_ATTEMPTS = 100;
    private static final long BACKOFF_MILLIS = 25;
    private static final String UNSUPPORTED = "UnsupportedValue";
    private static final java.util.regex.Pattern SPAN = java.util.regex.Pattern.compile("([0-9]{1,5})(h|ms|m|s)");

    private @Nullable String refused;
    private String refusal = UNSUPPORTED;

    private RuleReader() {}

    static List<RuleDraft> read(HttpRouteSpec spec) {
        List<RuleDraft> all = new ArrayList<>();
        spec.rules().forEach(rule -> all.add(new RuleReader().http(rule)));
        return all;
    }

    static List<RuleDraft> read(GrpcRouteSpec spec) {
        List<RuleDraft> all = new ArrayList<>();
        spec.rules().forEach(rule -> all.add(new RuleReader().grpc(rule)));
        return all;
    }

    private void refuse(String reason, String why) {
        if (refused == null) {
            refused = why;
            refusal = reason;
        }
    }

    private RuleDraft http(HttpRouteSpec.HttpRule rule) {
        List<MatchConfig> matches = new ArrayList<>();
        boolean prefixOnly = true;
        for (HttpRouteSpec.HttpMatch match : rule.matches()) {
            @Nullable MatchConfig read = match(match);
            if (read != null) {
                matches.add(read);
                prefixOnly &= read.path().type() == PathMatch.Type.PREFIX;
            }
        }
        if (rule.matches().isEmpty()) {
            matches.add(MatchConfig.ANY);
        }
        List<Step> filters = filters(rule.filters(), prefixOnly);
        List<Backend> backends = new ArrayList<>();
        for (HttpRouteSpec.HttpBackend backend : rule.backendRefs()) {
            backends.add(new Backend(
                    backend.reference(), backend.weightOrDefault(), filters(backend.filters(), prefixOnly)));
        }
        HttpRouteSpec.Timeouts timeouts = rule.timeouts();
        return new RuleDraft(
                rule.name() == null ? "" : rule.name(),
                matches,
                filters,
                backends,
                timeouts == null ? 0 : millis("timeouts.request", timeouts.request(), 0),
                timeouts == null ? 0 : millis("timeouts.backendRequest", timeouts.backendRequest(), 0),
                retry(rule.retry()),
                refused,
                refusal);
    }

    private RuleDraft grpc(GrpcRouteSpec.GrpcRule rule) {
        List<MatchConfig> matches = new ArrayList<>();
        for (GrpcRouteSpec.GrpcMatch match : rule.matches()) {
            @Nullable PathMatch path = path(match.method());
            @Nullable List<ValueMatch> headers = headers(match.headers());
            if (path != null && headers != null) {
                matches.add(new MatchConfig(path, "", headers, List.of()));
            }
        }
        if (rule.matches().isEmpty()) {
            matches.add(MatchConfig.ANY);
        }
        List<Step> filters = filters(
                rule.filters().stream().map(GrpcRouteSpec.GrpcFilter::http).toList(), false);
        List<Backend> backends = new ArrayList<>();
        for (GrpcRouteSpec.GrpcBackend backend : rule.backendRefs()) {
            backends.add(new Backend(
                    backend.reference(),
                    backend.weightOrDefault(),
                    filters(
                            backend.filters().stream()
                                    .map(GrpcRouteSpec.GrpcFilter::http)
                                    .toList(),
                            false)));
        }
        String name = rule.name() == null ? "" : rule.name();
        return new RuleDraft(name, matches, filters, backends, 0, 0, null, refused, refusal);
    }

    private @Nullable MatchConfig match(HttpRouteSpec.HttpMatch match) {
        @Nullable PathMatch path = path(match.path());
        @Nullable List<ValueMatch> headers = headers(match.headers());
        List<ValueMatch> params = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        boolean good = true;
        for (HttpRouteSpec.QueryMatch each : match.queryParams()) {
            @Nullable ValueMatch read = value("queryParams", each.type(), each.name(), each.value());
            good &= read != null;
            if (read != null && seen.add(each.name())) {
                params.add(read);
            }
        }
        return path == null || headers == null || !good
                ? null
                : new MatchConfig(path, match.method() == null ? "" : match.method(), headers, params);
    }

    /** Of headers whose names differ in case only, the first counts. */
    private @Nullable List<ValueMatch> headers(List<HttpRouteSpec.ValueMatch> matches) {
        List<ValueMatch> headers = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        boolean good = true;
        for (HttpRouteSpec.ValueMatch each : matches) {
            String name = each.name().toLowerCase(Locale.ROOT);
            if (seen.add(name)) {
                @Nullable ValueMatch read = value("headers", each.type(), name, each.value());
                good &= read != null;
                if (read != null) {
                    headers.add(read);
                }
            }
        }
        return good ? headers : null;
    }

    private @Nullable ValueMatch value(String field, @Nullable String type, String name, String value) {
        if (type == null || type.equals("Exact")) {
            return new ValueMatch(ValueMatch.Type.EXACT, name, value);
        }
        if (!type.equals("RegularExpression")) {
            refuse(UNSUPPORTED, field + " is compared by " + type + "; expected Exact or RegularExpression");
            return null;
        }
        return regex(value) ? new ValueMatch(ValueMatch.Type.REGEX, name, value) : null;
    }

    private boolean regex(String value) {
        @Nullable String problem = Expressions.problem(value);
        if (problem != null) {
            refuse(UNSUPPORTED, problem);
        }
        return problem == null;
    }

    private @Nullable PathMatch path(HttpRouteSpec.@Nullable PathMatch path) {
        if (path == null) {
            return PathMatch.ANY;
        }
        String value = path.value() == null ? "/" : path.value();
        return switch (path.type() == null ? "PathPrefix" : path.type()) {
            case "Exact" -> new PathMatch(PathMatch.Type.EXACT, value);
            // A slash at the end says nothing: prefixes are whole segments.
            case "PathPrefix" ->
                new PathMatch(
                        PathMatch.Type.PREFIX,
                        value.length() > 1 && value.endsWith("/") ? value.substring(0, value.length() - 1) : value);
            case "RegularExpression" -> regex(value) ? new PathMatch(PathMatch.Type.REGEX, value) : null;
            default -> {
                refuse(
                        UNSUPPORTED,
                        "the path is compared by " + path.type() + "; expected Exact, PathPrefix or RegularExpression");
                yield null;
            }
        };
    }

    /** A gRPC method is the path /SERVICE/METHOD. */
    private @Nullable PathMatch path(GrpcRouteSpec.@Nullable MethodMatch match) {
        String service = match == null || match.service() == null ? "" : match.service();
        String method = match == null || match.method() == null ? "" : match.method();
        if (match == null || service.isEmpty() && method.isEmpty()) {
            return PathMatch.ANY;
        }
        String type = match.type() == null ? "Exact" : match.type();
        if (type.equals("Exact")) {
            if (service.isEmpty()) {
                return new PathMatch(PathMatch.Type.REGEX, "/[^/]+/" + Pattern.quote(method));
            }
            return method.isEmpty()
                    ? new PathMatch(PathMatch.Type.PREFIX, "/" + service)
                    : new PathMatch(PathMatch.Type.EXACT, "/" + service + "/" + method);
        }
        if (!type.equals("RegularExpression")) {
            refuse(UNSUPPORTED, "the method is compared by " + type + "; expected Exact or RegularExpression");
            return null;
        }
        if (!service.isEmpty() && !regex(service) || !method.isEmpty() && !regex(method)) {
            return null;
        }
        return new PathMatch(
                PathMatch.Type.REGEX,
                "/(?:" + (service.isEmpty() ? "[^/]+" : service) + ")/(?:" + (method.isEmpty() ? "[^/]+" : method)
                        + ")");
    }

    private List<Step> filters(List<HttpFilter> filters, boolean prefixOnly) {
        List<Step> all = new ArrayList<>();
        boolean redirects = false;
        boolean rewrites = false;
        for (HttpFilter filter : filters) {
            @Nullable Step step = step(filter, prefixOnly);
            if (step == null) {
                refuse(UNSUPPORTED, "the filter " + filter.type() + " is not supported, or lacks its settings");
                continue;
            }
            redirects |= filter.requestRedirect() != null;
            rewrites |= filter.urlRewrite() != null;
            all.add(step);
        }
        if (redirects && rewrites) {
            refuse("IncompatibleFilters", "RequestRedirect and URLRewrite cannot be used together");
        }
        return all;
    }

    private @Nullable Step step(HttpFilter filter, boolean prefixOnly) {
        return switch (filter.type()) {
            case "RequestHeaderModifier" ->
                filter.requestHeaderModifier() == null
                        ? null
                        : new Step.Plain(new FilterConfig.RequestHeaders(changes(filter.requestHeaderModifier())));
            case "ResponseHeaderModifier" ->
                filter.responseHeaderModifier() == null
                        ? null
                        : new Step.Plain(new FilterConfig.ResponseHeaders(changes(filter.responseHeaderModifier())));
            case "RequestMirror" -> filter.requestMirror() == null ? null : mirror(filter.requestMirror());
            case "RequestRedirect" ->
                filter.requestRedirect() == null ? null : redirect(filter.requestRedirect(), prefixOnly);
            case "URLRewrite" ->
                filter.urlRewrite() == null
                        ? null
                        : new Step.Plain(new FilterConfig.Rewrite(
                                filter.urlRewrite().hostname(),
                                path(filter.urlRewrite().path(), prefixOnly)));
            case "CORS" -> filter.cors() == null ? null : new Step.Plain(cors(filter.cors()));
            case "ExtensionRef" -> filter.extensionRef() == null ? null : named(filter.extensionRef());
            default -> null;
        };
    }

    private static Step named(LocalReference reference) {
        if (reference.group().equals(GatewayKinds.POLICY_GROUP)
                && reference.kind().equals(GatewayKinds.HTTP_ROUTE_FILTER.kind())) {
            return new Step.Named(reference.name());
        }
        return new Step.Unresolved("the filter " + reference.kind() + " " + reference.name() + " of the group "
                + reference.group() + " is not supported: expected an HTTPRouteFilter of the group "
                + GatewayKinds.POLICY_GROUP);
    }

    private static FilterConfig.HeaderChanges changes(HttpFilter.HeaderModifier modifier) {
        return new FilterConfig.HeaderChanges(
                headers(modifier.set(), new HashSet<>()), headers(modifier.add(), new HashSet<>()), modifier.remove());
    }

    private static List<FilterConfig.Header> headers(List<HttpFilter.Header> headers, Set<String> seen) {
        return headers.stream()
                .filter(each -> seen.add(each.name().toLowerCase(Locale.ROOT)))
                .map(each -> new FilterConfig.Header(each.name(), each.value()))
                .toList();
    }

    private static Step mirror(HttpFilter.Mirror mirror) {
        HttpFilter.Fraction fraction = mirror.fraction();
        if (fraction != null) {
            int denominator = fraction.denominator() == null ? 100 : fraction.denominator();
            return new Step.MirrorTo(mirror.backendRef(), fraction.numerator(), Math.max(1, denominator));
        }
        return new Step.MirrorTo(mirror.backendRef(), mirror.percent() == null ? 100 : mirror.percent(), 100);
    }

    private @Nullable Step redirect(HttpFilter.Redirect redirect, boolean prefixOnly) {
        int status = redirect.statusCode() == null ? 302 : redirect.statusCode();
        String scheme = redirect.scheme();
        if (!List.of(301, 302, 303, 307, 308).contains(status)) {
            refuse(UNSUPPORTED, "redirects have no status " + status + "; expected 301, 302, 303, 307 or 308");
        }
        if (scheme != null && !scheme.equals("http") && !scheme.equals("https")) {
            refuse(UNSUPPORTED, "redirects have no scheme " + scheme + "; expected http or https");
        }
        return new Step.Plain(new FilterConfig.Redirect(
                scheme, redirect.hostname(), path(redirect.path(), prefixOnly), redirect.port(), status));
    }

    private FilterConfig.@Nullable PathChange path(HttpFilter.@Nullable PathModifier path, boolean prefixOnly) {
        if (path == null) {
            return null;
        }
        switch (path.type()) {
            case "ReplaceFullPath" -> {
                return new FilterConfig.PathChange(
                        FilterConfig.PathChange.Type.FULL,
                        path.replaceFullPath() == null ? "" : path.replaceFullPath());
            }
            case "ReplacePrefixMatch" -> {
                if (!prefixOnly) {
                    refuse(UNSUPPORTED, "ReplacePrefixMatch needs matches of the type PathPrefix");
                }
                return new FilterConfig.PathChange(
                        FilterConfig.PathChange.Type.PREFIX,
                        path.replacePrefixMatch() == null ? "" : path.replacePrefixMatch());
            }
            default -> {
                refuse(
                        UNSUPPORTED,
                        "paths cannot be changed by " + path.type()
                                + "; expected ReplaceFullPath or ReplacePrefixMatch");
                return null;
            }
        }
    }

    static FilterConfig.Cors cors(HttpFilter.Cors cors) {
        return new FilterConfig.Cors(
                cors.allowOrigins(),
                Boolean.TRUE.equals(cors.allowCredentials()),
                cors.allowMethods(),
                cors.allowHeaders(),
                cors.exposeHeaders(),
                cors.maxAge() == null ? 5 : cors.maxAge());
    }

    private @Nullable RetryConfig retry(HttpRouteSpec.@Nullable Retry retry) {
        if (retry == null) {
            return null;
        }
        int attempts = retry.attempts() == null ? 1 : retry.attempts();
        if (attempts > MOST_ATTEMPTS) {
            refuse(UNSUPPORTED, "retry.attempts is " + attempts + "; it may be " + MOST_ATTEMPTS + " at most");
        }
        return attempts <= 0
                ? null
                : new RetryConfig(retry.codes(), attempts, millis("retry.backoff", retry.backoff(), BACKOFF_MILLIS));
    }

    private long millis(String field, @Nullable String text, long otherwise) {
        if (text == null) {
            return otherwise;
        }
        long sum = 0;
        int end = 0;
        Matcher part = SPAN.matcher(text);
        while (end < text.length() && part.find(end) && part.start() == end) {
            long number = Long.parseLong(part.group(1));
            sum += switch (part.group(2)) {
                case "h" -> number * 3_600_000;
                case "m" -> number * 60_000;
                case "s" -> number * 1000;
                default -> number;
            };
            end = part.end();
        }
        if (end != text.length() || text.isEmpty()) {
            refuse(UNSUPPORTED, field + " is " + text + "; write it like 1h30m, 10s or 500ms");
            return otherwise;
        }
        return sum;
    }
}
