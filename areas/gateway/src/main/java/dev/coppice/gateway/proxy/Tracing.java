package dev.coppice.gateway.proxy;

import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Variables;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.trace.Sampler;
import dev.coppice.gateway.trace.TraceParent;
import org.jspecify.annotations.Nullable;

/**
 * How the requests of a rule are traced. Immutable.
 *
 * @param when a condition for traces that begin here; null: none
 */
record Tracing(Sampler sampler, @Nullable RequestExpression when, TraceHeaders headers, SpanExporter exporter) {
    /**
     * Whether a trace that is decided on here is recorded. A condition that fails is taken for false.
     *
     * @param random by which a share takes it whose identifier is not random
     */
    boolean takes(TraceParent trace, long random, Variables request, ProxyMetrics metrics) {
        try {
            if (when != null && !when.test(request)) {
                return false;
            }
        } catch (EvaluationException e) {
            metrics.traceConditionsFailed.inc();
            return false;
        }
        return sampler.takes(trace, random);
    }

    static Tracing of(ObservationConfig.Tracing config, SpanExporter exporter) {
        try {
            return new Tracing(
                    new Sampler(config.share().numerator(), config.share().denominator(), config.follows()),
                    config.when().isEmpty() ? null : RequestExpression.condition(config.when()),
                    new TraceHeaders(config.propagation()),
                    exporter);
        } catch (InvalidExpressionException e) {
            // The control half compiles it before.
            throw new IllegalArgumentException("tracing: " + e.getMessage(), e);
        }
    }
}
