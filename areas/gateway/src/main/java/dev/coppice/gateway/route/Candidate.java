package dev.coppice.gateway.route;

import com.google.re2j.Pattern;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import dev.coppice.gateway.config.RouteConfig;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A match of a rule, ready to be compared. Immutable.
 *
 * @param action what its rule does
 * @param path how the path is compared; its table has done so already
 * @param prefixLength characters of the path that a prefix took, without a slash at its end; -1 when it is no prefix
 */
public record Candidate<A>(
        A action,
        PathMatch path,
        int prefixLength,
        String method,
        Condition[] headers,
        Condition[] queryParams,
        RouteConfig route,
        int rule) {

    /**
     * A header or query parameter with what its value has to be.
     *
     * @param pattern null: {@code value} itself
     */
    record Condition(String name, String value, @Nullable Pattern pattern) {
        boolean holds(@Nullable String given) {
            return given != null && (pattern == null ? given.equals(value) : pattern.matches(given));
        }
    }

    /**
     * Which of two candidates for the same path goes first (the Gateway API's order): with a method, more headers, more query
     * parameters, of an older route, of one whose namespace and name come first, of the rule that stands first.
     */
    static final Comparator<Candidate<?>> ORDER = Comparator.<Candidate<?>>comparingInt(
                    each -> each.method.isEmpty() ? 1 : 0)
            .thenComparingInt(each -> -each.headers.length)
            .thenComparingInt(each -> -each.queryParams.length)
            .thenComparingLong(each -> each.route.createdMillis())
            .thenComparing(each -> each.route.namespace() + "/" + each.route.name())
            .thenComparingInt(each -> each.rule);

    static <A> Candidate<A> of(A action, MatchConfig match, RouteConfig route, int rule) {
        PathMatch path = match.path();
        int prefixLength =
                path.type() == PathMatch.Type.PREFIX ? bare(path.value()).length() : -1;
        return new Candidate<>(
                action,
                path,
                prefixLength,
                match.method(),
                conditions(match.headers()),
                conditions(match.queryParams()),
                route,
                rule);
    }

    /** A prefix without the slashes at its end, which mean nothing. */
    static String bare(String prefix) {
        int end = prefix.length();
        while (end > 0 && prefix.charAt(end - 1) == '/') {
            end--;
        }
        return prefix.substring(0, end);
    }

    private static Condition[] conditions(List<ValueMatch> matches) {
        return matches.stream()
                .map(each -> new Condition(
                        each.name(),
                        each.value(),
                        each.type() == ValueMatch.Type.REGEX ? Pattern.compile(each.value()) : null))
                .toArray(Condition[]::new);
    }

    /** Whether everything but the path fits. */
    boolean fits(RequestHead request) {
        if (!method.isEmpty() && !method.equals(request.method())) {
            return false;
        }
        for (Condition each : headers) {
            if (!each.holds(request.header(each.name))) {
                return false;
            }
        }
        for (Condition each : queryParams) {
            if (!each.holds(request.queryParam(each.name))) {
                return false;
            }
        }
        return true;
    }
}
