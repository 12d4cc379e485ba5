package dev.coppice.gateway.cache;

import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What answers have to have in common before their URI is looked at: who answers, what is done to requests before, and by which settings they are
 * kept. A rule has one for each of its backends; rules that do the same share it. Immutable; by its identity, as {@link AnswerStore} gives it out.
 */
public final class CacheRegion {
    /**
     * What makes two regions one.
     *
     * @param route by kind, namespace and name
     * @param upstream that answers
     * @param filters of the rule and of the backend
     * @param named the HTTPRouteFilters that these name, as they are
     * @param subsets by which the upstream, and what answers in its place, choose among their endpoints
     */
    public record Place(
            String route,
            String upstream,
            List<List<FilterConfig>> filters,
            List<RouteFilterConfig> named,
            List<BalanceConfig.Subset> subsets,
            ContentConfig.Cache settings) {
        public Place {
            filters = List.copyOf(filters);
            named = List.copyOf(named);
            subsets = List.copyOf(subsets);
        }
    }

    /** Under which a request's fields tell its path and query as the endpoint sees them, if filters change these. */
    public static final String SENT_TARGET = ":path";

    /** What many applications take for their own address, and few say that they do; likewise for the request's method. */
    private static final List<String> ADDRESSING = List.of(
            "forwarded",
            "x-forwarded-path",
            "x-forwarded-port",
            "x-forwarded-prefix",
            "x-forwarded-scheme",
            "x-forwarded-server",
            "x-forwarded-ssl",
            "x-host",
            "x-original-host",
            "x-original-url",
            "x-rewrite-url");

    private static final List<String> METHODS = List.of("x-http-method", "x-http-method-override", "x-method-override");

    /** Of values that tell one request from all others, and no answer from another. */
    private static final Set<String> NUMBERS = Set.of("{request_id}", "{trace_id}");

    private final Place place;
    private final QueryFilter query;
    private final List<String> headers;
    private final boolean rewrites;
    /** Nothing is kept in it any more. */
    private volatile boolean gone;

    CacheRegion(Place place) {
        this.place = place;
        this.query = new QueryFilter(place.settings.ignoredQueryParams());
        List<String> all = new ArrayList<>(place.settings.keyHeaders());
        place.named.stream()
                .flatMap(each -> Stream.concat(each.request().set().stream(), each.request().add().stream()))
                .filter(each -> !NUMBERS.contains(each.value()))
                .map(each -> each.name().toLowerCase(Locale.ROOT))
                .filter(each -> !all.contains(each))
                .distinct()
                .forEach(all::add);
        this.headers = List.copyOf(all);
        this.rewrites = place.named.stream()
                        .anyMatch(each -> each.rewrite() != null || each.extension() != null || each.function() != null)
                || place.filters.stream()
                        .flatMap(List::stream)
                        .anyMatch(each -> each instanceof FilterConfig.Rewrite rewrite && rewrite.path() != null);
    }

    public String route() {
        return place.route;
    }

    public ContentConfig.Cache settings() {
        return place.settings;
    }

    boolean gone() {
        return gone;
    }

    void leave() {
        gone = true;
    }

    /** Whether filters change paths or queries, so that those that the endpoint sees belong to what answers differ by. */
    public boolean rewrites() {
        return rewrites;
    }

    /** A path with its query without what does not count. */
    public String counted(String target) {
        return query.apply(target);
    }

    /**
     * Under what an answer is kept.
     *
     * @param origin scheme and authority
     * @param target path and query; both as the client sees them, by which changes are known whatever rule they come by
     */
    public CacheKey key(String origin, String target, FieldValues request) {
        String text = origin + query.apply(target);
        // No field has a line end, so that no value can look like another header's.
        for (String each : headers) {
            String value = request.joined(each);
            text += value == null ? "\n" : "\n=" + value;
        }
        text = with(METHODS, request, with(ADDRESSING, request, text));
        // Applications behind CGI, WSGI and the like take these for the same as those with hyphens.
        for (String each : request.underscored()) {
            String hyphened = each.replace('_', '-');
            if (headers.contains(hyphened) || ADDRESSING.contains(hyphened) || METHODS.contains(hyphened)) {
                text += "\n" + each + "=" + request.joined(each);
            }
        }
        return new CacheKey(this, text);
    }

    /** The key of what a change of something makes useless, by whatever method it came. */
    CacheKey changed(String origin, String target, FieldValues request) {
        return key(origin, target, new FieldValues() {
            @Override
            public List<String> all(String name) {
                return METHODS.contains(name.replace('_', '-')) ? List.of() : request.all(name);
            }

            @Override
            public Collection<String> underscored() {
                return request.underscored().stream()
                        .filter(each -> !METHODS.contains(each.replace('_', '-')))
                        .toList();
            }
        });
    }

    private static String with(List<String> names, FieldValues request, String text) {
        String all = text;
        for (String each : names) {
            if (request.has(each)) {
                all += "\n" + each + "=" + request.joined(each);
            }
        }
        return all;
    }
}
