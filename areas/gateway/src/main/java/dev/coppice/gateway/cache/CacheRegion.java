package dev.coppice.gateway.cache;

import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import java.util.List;

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
     * @param named what of these have names, in their order
     */
    public record Place(
            String route,
            String upstream,
            List<List<FilterConfig>> filters,
            List<RouteFilterConfig> named,
            ContentConfig.Cache settings) {
        public Place {
            filters = List.copyOf(filters);
            named = List.copyOf(named);
        }
    }

    private final Place place;
    private final QueryFilter query;
    /** Nothing is kept in it any more. */
    private volatile boolean gone;

    CacheRegion(Place place) {
        this.place = place;
        this.query = new QueryFilter(place.settings.ignoredQueryParams());
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

    /**
     * Under what an answer is kept.
     *
     * @param origin scheme and authority as the client sees them
     * @param target path and query as the endpoint sees them
     */
    public CacheKey key(String origin, String target, FieldValues request) {
        String text = origin + query.apply(target);
        if (!place.settings.keyHeaders().isEmpty()) {
            StringBuilder all = new StringBuilder(text);
            for (String each : place.settings.keyHeaders()) {
                String value = request.joined(each);
                // No field has a line end, so that no value can look like another header's.
                all.append('\n').append(value == null ? "" : "=" + value);
            }
            text = all.toString();
        }
        return new CacheKey(this, text);
    }
}
