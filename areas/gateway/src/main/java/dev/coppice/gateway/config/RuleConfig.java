package dev.coppice.gateway.config;

import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A rule of a route: which requests, and what becomes of them. Immutable.
 *
 * @param name of the rule; empty when it has none
 * @param matches any of them has to match; empty matches everything
 * @param filters in their order; a redirect among them answers
 * @param backends chosen among by weight; without any, and without a filter that answers, the answer is 500
 * @param requestTimeoutMillis from the request's head to the answer's last byte, all attempts included; 0 for no limit
 * @param backendTimeoutMillis of one attempt; 0 for no limit
 * @param retry null: none
 * @param invalid why the rule cannot be served (the answer is 500); null when it can
 * @param grpc what is done for calls of gRPC; null: what a route of its kind does
 */
public record RuleConfig(
        String name,
        List<MatchConfig> matches,
        List<FilterConfig> filters,
        List<BackendConfig> backends,
        long requestTimeoutMillis,
        long backendTimeoutMillis,
        @Nullable RetryConfig retry,
        @Nullable String invalid,
        @Nullable GrpcConfig grpc) {

    public RuleConfig {
        matches = List.copyOf(matches);
        filters = List.copyOf(filters);
        backends = List.copyOf(backends);
    }

    /** A rule that does nothing for calls of gRPC. */
    public RuleConfig(
            String name,
            List<MatchConfig> matches,
            List<FilterConfig> filters,
            List<BackendConfig> backends,
            long requestTimeoutMillis,
            long backendTimeoutMillis,
            @Nullable RetryConfig retry,
            @Nullable String invalid) {
        this(name, matches, filters, backends, requestTimeoutMillis, backendTimeoutMillis, retry, invalid, null);
    }

    /** A rule without limits in time, or retries. */
    public RuleConfig(List<MatchConfig> matches, List<FilterConfig> filters, List<BackendConfig> backends) {
        this("", matches, filters, backends, 0, 0, null, null);
    }

    /** The same with other upstreams. */
    public RuleConfig withUpstreams(UnaryOperator<String> renamed) {
        return new RuleConfig(
                name,
                matches,
                renamed(filters, renamed),
                backends.stream()
                        .map(each -> new BackendConfig(
                                renamed.apply(each.upstream()), each.weight(), renamed(each.filters(), renamed)))
                        .toList(),
                requestTimeoutMillis,
                backendTimeoutMillis,
                retry,
                invalid,
                grpc);
    }

    /** The same for calls of gRPC. */
    public RuleConfig with(List<FilterConfig> others, @Nullable RetryConfig again, GrpcConfig calls) {
        return new RuleConfig(
                name, matches, others, backends, requestTimeoutMillis, backendTimeoutMillis, again, invalid, calls);
    }

    private static List<FilterConfig> renamed(List<FilterConfig> filters, UnaryOperator<String> renamed) {
        return filters.stream()
                .map(each -> each instanceof FilterConfig.Mirror mirror
                        ? new FilterConfig.Mirror(
                                renamed.apply(mirror.upstream()), mirror.numerator(), mirror.denominator())
                        : each)
                .toList();
    }
}
