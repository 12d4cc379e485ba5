package dev.coppice.gateway.explain;

import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.FilterConfig.PathChange;
import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.UpstreamReading;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Configuration as people read it. */
final class Words {

    private Words() {}

    static String match(String hostname, MatchConfig match) {
        List<String> all = new ArrayList<>();
        if (!hostname.isEmpty()) {
            all.add("host " + hostname);
        }
        all.add(
                switch (match.path().type()) {
                    case EXACT -> "path " + match.path().value();
                    case PREFIX ->
                        match.path().equals(PathMatch.ANY)
                                ? "any path"
                                : "path prefix " + match.path().value();
                    case REGEX -> "path matching " + match.path().value();
                });
        if (!match.method().isEmpty()) {
            all.add("method " + match.method());
        }
        match.headers().forEach(each -> all.add("header " + value(each)));
        match.queryParams().forEach(each -> all.add("query parameter " + value(each)));
        return String.join(", ", all);
    }

    private static String value(ValueMatch match) {
        return match.name() + (match.type() == ValueMatch.Type.REGEX ? " matching " : "=") + match.value();
    }

    static String filter(FilterConfig filter) {
        return switch (filter) {
            case FilterConfig.RequestHeaders headers -> "headers of the request: " + changes(headers.changes());
            case FilterConfig.ResponseHeaders headers -> "headers of the answer: " + changes(headers.changes());
            case FilterConfig.Redirect to ->
                "redirect with " + to.status()
                        + part(" to scheme ", to.scheme())
                        + part(" to host ", to.hostname())
                        + part(" to port ", to.port())
                        + part(", ", path(to.path()));
            case FilterConfig.Rewrite to -> "rewrite:" + part(" host ", to.hostname()) + part(" ", path(to.path()));
            case FilterConfig.Mirror copy ->
                "mirror " + copy.numerator() + " of " + copy.denominator() + " to "
                        + (copy.upstream().isEmpty() ? "nowhere" : copy.upstream());
            case FilterConfig.Named named -> "the filter " + named.name();
            case FilterConfig.Cors allowed -> "cross-origin requests from " + String.join(", ", allowed.allowOrigins());
        };
    }

    /** An HTTPRouteFilter. */
    static String filter(RouteFilterConfig filter) {
        List<String> all = new ArrayList<>();
        RouteFilterConfig.Rewrite rewrite = filter.rewrite();
        if (rewrite != null) {
            RouteFilterConfig.PathRewrite path = rewrite.path();
            all.add("rewrite:" + part(" host ", rewrite.hostname())
                    + (path == null
                            ? ""
                            : path.template() != null
                                    ? " path " + path.template()
                                    : " " + path.pattern() + " in the path by " + path.substitution())
                    + part(" query: ", rewrite.query().none() ? null : changes(rewrite.query())));
        }
        if (!filter.request().none()) {
            all.add("headers of the request: " + changes(filter.request()));
        }
        if (!filter.response().none()) {
            all.add("headers of the answer: " + changes(filter.response()));
        }
        if (filter.direct() != null) {
            all.add("answered with " + filter.direct().status());
        }
        RouteFilterConfig.Files files = filter.files();
        if (files != null) {
            all.add("answered with files"
                    + (files.entries() == null ? " of " + files.root() + "/" + files.directory() : "")
                    + (files.precompressed().isEmpty()
                            ? ""
                            : ", compressed beforehand as "
                                    + files.precompressed().stream()
                                            .map(ContentConfig.Encoding::token)
                                            .collect(Collectors.joining(" or "))));
        }
        if (filter.extension() != null) {
            all.add("by the extension's filter " + filter.extension().name()
                    + (filter.extension().failOpen() ? ", without it if it fails" : ""));
        }
        if (filter.function() != null) {
            all.add("by a function" + (filter.function().failOpen() ? ", without it if it fails" : ""));
        }
        return "filter " + filter.name()
                + (filter.pathTemplate().isEmpty() ? "" : ", for paths " + filter.pathTemplate())
                + (filter.when().isEmpty() ? "" : ", when " + filter.when())
                + ": " + String.join("; ", all);
    }

    private static String part(String words, @Nullable Object value) {
        return value == null ? "" : words + value;
    }

    private static @Nullable String path(@Nullable PathChange change) {
        return change == null
                ? null
                : (change.type() == PathChange.Type.FULL ? "path " : "prefix of the path ") + change.value();
    }

    private static String changes(HeaderChanges changes) {
        List<String> all = new ArrayList<>();
        changes.set().forEach(each -> all.add("set " + each.name() + ": " + each.value()));
        changes.add().forEach(each -> all.add("add " + each.name() + ": " + each.value()));
        changes.remove().forEach(each -> all.add("remove " + each));
        return String.join(", ", all);
    }

    static String limit(LimitConfig limit) {
        String many = limit.requests()
                + (limit.algorithm() == LimitConfig.Algorithm.CONCURRENCY
                        ? " at one time"
                        : " in " + duration(Duration.ofNanos(limit.perNanos())));
        return (limit.shadow() ? "shadow of limit " : "limit ") + limit.name() + ": " + many
                + (limit.shared() ? ", of all nodes together" : "")
                + (limit.when().isEmpty() ? "" : ", when " + limit.when());
    }

    static String security(SecurityConfig policy) {
        if (policy.invalid() != null) {
            return "security policy " + policy.name() + ": answered with 500: " + policy.invalid();
        }
        List<String> all = new ArrayList<>();
        if (!policy.methods().isEmpty()) {
            all.add((policy.optional() ? "credentials may be there: " : "credentials are needed: ")
                    + policy.methods().stream().map(SecurityConfig.Method::name).collect(Collectors.joining(" or ")));
        }
        SecurityConfig.Authorization authorization = policy.authorization();
        if (authorization != null) {
            authorization
                    .rules()
                    .forEach(each -> all.add((each.allows() ? "allowed if " : "refused if ") + each.when()));
            all.add(authorization.allowsOthers() ? "else allowed" : "else refused");
        }
        return "security policy " + policy.name() + ": " + String.join(", ", all);
    }

    /** How a backend's requests are sent, where its policies say something. */
    static List<String> traffic(TrafficConfig traffic) {
        List<String> all = new ArrayList<>();
        BalanceConfig balance = traffic.balance();
        if (balance != null) {
            all.add("balanced by " + balance.algorithm()
                    + (balance.balanceFactorPercent() == 0
                            ? ""
                            : ", none with more than " + balance.balanceFactorPercent() + " percent of its share"));
            BalanceConfig.Subset subset = balance.subset();
            if (subset != null) {
                all.add(subset(subset));
            }
        }
        if (traffic.healthCheck() != null) {
            all.add("endpoints have health checks");
        }
        if (traffic.outliers() != null) {
            all.add("endpoints that are outliers are left out");
        }
        if (traffic.proxyProtocol() != null) {
            all.add("told who the client is, by the PROXY protocol " + traffic.proxyProtocol());
        }
        ResilienceConfig resilience = traffic.resilience();
        if (resilience != null) {
            if (resilience.breaker() != null) {
                all.add("behind a circuit breaker");
            }
            if (resilience.concurrency() != null) {
                all.add("limited by latency");
            }
            ResilienceConfig.Fallback fallback = resilience.fallback();
            if (fallback != null) {
                all.add(fallback.upstream() == null ? "with a fallback response" : "else to " + fallback.upstream());
            }
        }
        return all;
    }

    private static String subset(BalanceConfig.Subset subset) {
        return "to endpoints whose label " + subset.label() + " is as "
                + (subset.header() == null ? "the cookie " + subset.cookie() : "the header " + subset.header())
                + " says, else "
                + switch (subset.fallback()) {
                    case ANY -> "to any";
                    case NONE -> "to none";
                    case DEFAULT -> "to those where it is " + subset.defaultName();
                };
    }

    /** How an upstream is now, where there is something to tell. */
    static List<String> present(UpstreamReading now) {
        List<String> all = new ArrayList<>();
        CircuitBreaker.Reading breaker = now.breaker();
        if (breaker != null) {
            all.add("the circuit breaker is "
                    + breaker.state().word
                    + ": of " + breaker.calls() + " calls " + breaker.failed() + " failed and " + breaker.slow()
                    + " were slow"
                    + (breaker.retryNanos() == 0
                            ? ""
                            : "; calls pass again in "
                                    + duration(Duration.ofMillis(Math.ceilDiv(breaker.retryNanos(), 1_000_000)))));
        }
        if (now.concurrencyLimit() > 0) {
            all.add("by latency, " + now.waitingForAnswer() + " of " + now.concurrencyLimit()
                    + " requests wait for an answer");
        }
        if (now.bounded()) {
            all.add(now.parallelRequests() + " requests on their way, " + now.connections() + " connections, "
                    + now.pendingRequests() + " requests wait for one");
        }
        if (now.retries() > 0) {
            all.add("of the last " + now.requests() + " requests " + now.retries() + " were retries");
        }
        return all;
    }

    static String calls(@Nullable GrpcConfig grpc) {
        return grpc == null || grpc.transcoding() == null
                ? "calls of gRPC, and of gRPC-Web"
                : "calls of gRPC, of gRPC-Web, and in JSON as the policy " + grpc.transcoding() + " says";
    }

    static String retry(RetryConfig retry) {
        return "retries: " + retry.attempts() + ", after " + retry.backoffMillis() + " ms"
                + (retry.codes().isEmpty() ? "" : ", also for the codes " + retry.codes())
                + (retry.grpcStatuses().isEmpty() ? "" : ", also for the gRPC statuses " + retry.grpcStatuses());
    }

    static String timeout(String what, long millis) {
        return "timeout " + what + ": " + duration(Duration.ofMillis(millis));
    }

    /** As Go and the Gateway API write it. */
    private static String duration(Duration time) {
        return time.toNanos() % 1_000_000_000 == 0 ? time.toSeconds() + "s" : time.toMillis() + "ms";
    }

    /** @param targets of the request, the widest first */
    static List<String> content(List<TrafficTarget> targets, List<ContentConfig> contents) {
        String longest = null;
        String compression = null;
        ContentConfig.Cache cache = null;
        for (TrafficTarget target : targets) {
            ContentConfig config = contents.stream()
                    .filter(each -> each.targets().contains(target))
                    .findFirst()
                    .orElse(null);
            if (config != null && config.maxRequestBytes() != ContentConfig.UNBOUNDED) {
                longest = "answered with 413 if its body is longer than " + config.maxRequestBytes() + " bytes";
            }
            if (config != null && config.cache() != null) {
                cache = config.cache();
            }
            if (config != null && config.compression() != null) {
                compression = "its answer compressed if the client accepts "
                        + config.compression().encodings().stream()
                                .map(ContentConfig.Encoding::token)
                                .collect(Collectors.joining(" or "));
            }
        }
        return Stream.of(longest, cache == null || !cache.enabled() ? null : cache(cache), compression)
                .filter(Objects::nonNull)
                .toList();
    }

    private static String cache(ContentConfig.Cache cache) {
        return "answered from the cache if that has an answer which is fresh"
                + (cache.defaultTtlSeconds() == 0
                        ? ""
                        : ", for " + duration(Duration.ofSeconds(cache.defaultTtlSeconds()))
                                + " where answers do not say how long")
                + (cache.keyHeaders().isEmpty() ? "" : ", apart for each " + String.join(", ", cache.keyHeaders()))
                + (cache.ignoredQueryParams().isEmpty()
                        ? ""
                        : ", without the parameters " + String.join(", ", cache.ignoredQueryParams()));
    }
}
