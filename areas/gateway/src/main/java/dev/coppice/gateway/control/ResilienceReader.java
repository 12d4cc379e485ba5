package dev.coppice.gateway.control;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.ResilienceConfig.Breaker;
import dev.coppice.gateway.config.ResilienceConfig.Fallback;
import dev.coppice.gateway.kind.AdaptiveConcurrencySpec;
import dev.coppice.gateway.kind.BackendTrafficPolicySpec;
import dev.coppice.gateway.kind.CircuitBreakerSpec;
import dev.coppice.gateway.kind.FallbackSpec;
import dev.coppice.gateway.kind.RetryBudgetSpec;
import dev.coppice.gateway.kind.UpstreamLimitsSpec;
import org.jspecify.annotations.Nullable;

/** Reads whether requests are sent at all. Pure functions. */
final class ResilienceReader {
    private static final String WINDOW = "10s";
    /** As in the Gateway API (GEP-3388). */
    private static final int MIN_RETRIES = 10;

    private static final long MIN_RETRY_NANOS = 1_000_000_000;
    private static final int SLOW_PERCENT = 80;
    private static final int WINDOW_PARTS = 10;

    private ResilienceReader() {}

    /** Null when the policy says nothing of it. A fallback to another backend has no upstream yet. */
    static @Nullable ResilienceConfig read(BackendTrafficPolicySpec spec) throws InvalidPolicyException {
        ResilienceConfig all = new ResilienceConfig(
                spec.circuitBreaker() == null ? null : breaker(spec.circuitBreaker()),
                spec.retryBudget() == null ? null : budget(spec.retryBudget()),
                spec.concurrency() == null ? null : concurrency(spec.concurrency()),
                spec.limits() == null ? null : limits(spec.limits()),
                spec.fallback() == null ? null : fallback(spec.fallback()));
        return all.equals(ResilienceConfig.DEFAULT) ? null : all;
    }

    private static Breaker breaker(CircuitBreakerSpec spec) throws InvalidPolicyException {
        int calls = spec.windowRequests() == null ? 0 : spec.windowRequests();
        // The window moves by tenths: the last of them has begun, and may hold one request.
        int least = Math.ceilDiv(calls, WINDOW_PARTS) * (WINDOW_PARTS - 1) + 1;
        if (calls > 0 && spec.minimumRequests() > least) {
            throw new InvalidPolicyException("circuitBreaker.minimumRequests: " + spec.minimumRequests()
                    + " is more than a window of " + calls + " requests has at any time; expected " + least
                    + " at most, or a larger windowRequests");
        }
        String window = spec.window() == null ? WINDOW : spec.window();
        return new Breaker(
                switch (spec.mode()) {
                    case "ForcedOpen" -> Breaker.Mode.FORCED_OPEN;
                    case "Disabled" -> Breaker.Mode.DISABLED;
                    default -> Breaker.Mode.AUTOMATIC;
                },
                calls > 0 ? 0 : Durations.nanos("circuitBreaker.window", window),
                calls,
                spec.minimumRequests(),
                spec.failurePercent(),
                spec.failureCodes(),
                spec.slowAfter() == null ? 0 : spec.slowPercent() == null ? SLOW_PERCENT : spec.slowPercent(),
                spec.slowAfter() == null ? 0 : Durations.nanos("circuitBreaker.slowAfter", spec.slowAfter()),
                Durations.nanos("circuitBreaker.openTime", spec.openTime()),
                Durations.nanos("circuitBreaker.maxOpenTime", spec.maxOpenTime()),
                spec.trialRequests(),
                Durations.nanos("circuitBreaker.rampTime", spec.rampTime()));
    }

    private static ResilienceConfig.RetryBudget budget(RetryBudgetSpec spec) throws InvalidPolicyException {
        RetryBudgetSpec.Rate least = spec.minRetryRate();
        return new ResilienceConfig.RetryBudget(
                spec.percent(),
                Durations.nanos("retryBudget.interval", spec.interval()),
                least == null ? MIN_RETRIES : least.count(),
                least == null
                        ? MIN_RETRY_NANOS
                        : Durations.nanos("retryBudget.minRetryRate.interval", least.interval()));
    }

    private static ResilienceConfig.Concurrency concurrency(AdaptiveConcurrencySpec spec)
            throws InvalidPolicyException {
        return new ResilienceConfig.Concurrency(
                spec.minimum(),
                spec.maximum(),
                spec.tolerancePercent(),
                Durations.nanos("concurrency.minLatencyInterval", spec.minLatencyInterval()));
    }

    private static ResilienceConfig.Limits limits(UpstreamLimitsSpec spec) {
        return new ResilienceConfig.Limits(
                spec.maxConnections() == null ? 0 : spec.maxConnections(),
                spec.maxPendingRequests(),
                spec.maxParallelRequests(),
                spec.maxParallelRetries(),
                spec.maxRequestsPerConnection() == null ? 0 : spec.maxRequestsPerConnection());
    }

    private static Fallback fallback(FallbackSpec spec) {
        FallbackSpec.Response response = spec.response();
        return response == null
                ? new Fallback(null, "")
                : new Fallback(
                        new Fallback.Response(
                                response.status(),
                                response.headers().stream()
                                        .map(each -> new FilterConfig.Header(each.name(), each.value()))
                                        .toList(),
                                response.body()),
                        null);
    }
}
