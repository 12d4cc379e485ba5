package dev.coppice.gateway.filter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * Makes filters of one sort. They are found as providers of this service ({@link java.util.ServiceLoader}); HTTPRouteFilters then name them. Safe for use by
 * many threads.
 */
public interface FilterFactory {

    /** What HTTPRouteFilters call it. */
    String name();

    /** All that is wrong with a configuration, in words that name its fields; asked where configurations are read, so it is quick and does nothing. */
    default List<String> problems(ObjectNode config) {
        return List.of();
    }

    /**
     * Makes a filter, for all requests of a resource.
     *
     * @param config one without problems, not to be changed
     */
    Filter create(ObjectNode config) throws Exception;
}
