package dev.coppice.gateway.control;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.kind.BackendReference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A rule of a route, read, with its references not yet looked up. Immutable.
 *
 * @param refused why it cannot be served, whatever it refers to; null when it can
 * @param refusal the reason of the condition that says so
 */
record RuleDraft(
        String name,
        List<MatchConfig> matches,
        List<Step> filters,
        List<Backend> backends,
        long requestTimeoutMillis,
        long backendTimeoutMillis,
        @Nullable RetryConfig retry,
        @Nullable String refused,
        String refusal) {

    /** A filter. */
    sealed interface Step {
        /** That refers to nothing. */
        record Plain(FilterConfig filter) implements Step {}

        /** A mirror. */
        record MirrorTo(BackendReference backend, int numerator, int denominator) implements Step {}

        /** An HTTPRouteFilter of the route's namespace. */
        record Named(String name) implements Step {}

        /** That refers to something that is not supported. */
        record Unresolved(String what) implements Step {}
    }

    /** Where a share of the requests goes. */
    record Backend(BackendReference reference, int weight, List<Step> filters) {}
}
