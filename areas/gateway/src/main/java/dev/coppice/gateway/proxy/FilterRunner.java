package dev.coppice.gateway.proxy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.filter.Filter;
import dev.coppice.gateway.filter.FilterFactory;
import dev.coppice.gateway.filter.Filters;
import io.prometheus.metrics.core.metrics.Counter;
import java.util.concurrent.Executor;

/** A filter of an extension, each of whose calls is on a virtual thread. Safe for use by many threads. */
final class FilterRunner {
    private static final JsonMapper JSON = new JsonMapper();

    final Filter filter;
    final int bodyBytes;
    final boolean seesAnswers;
    final CallRunner calls;

    /** @throws IllegalArgumentException when there is no such extension, or it does not take its configuration */
    FilterRunner(RouteFilterConfig.Extension config, Executor threads, Counter counter, EndlessCalls endless) {
        this.calls = new CallRunner(
                new CallRunner.Bounds(
                        "filter", config.name(), config.timeoutMillis(), config.maxConcurrent(), config.failOpen()),
                threads,
                result -> counter.labelValues(config.name(), result).inc(),
                _ -> CallRunner.Failure.FAILED,
                endless);
        FilterFactory factory = Filters.named(config.name());
        if (factory == null) {
            throw new IllegalArgumentException("there is no extension with the filter " + config.name());
        }
        try {
            this.filter = factory.create((ObjectNode) JSON.readTree(config.config()));
            this.bodyBytes = Math.clamp(filter.bodyBytes(), 0, Filter.MOST_BODY);
            this.seesAnswers = filter.seesAnswers();
        } catch (Throwable e) {
            throw new IllegalArgumentException("the filter " + config.name() + " cannot be made: " + e, e);
        }
    }
}
