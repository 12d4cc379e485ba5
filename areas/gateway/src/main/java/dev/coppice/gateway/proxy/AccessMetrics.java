package dev.coppice.gateway.proxy;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What security policies count. The first {@value #MOST_NAMES} have figures of their own. Safe
 * for use by many threads.
 */
final class AccessMetrics implements AutoCloseable {
    private static final int MOST_NAMES = 1000;
    private static final List<String> OUTCOMES =
            List.of("allowed", "denied", "unauthenticated", "unavailable", "invalid", "replied");

    /** The figures of one policy. */
    static final class PerPolicy {
        final CounterDataPoint allowed;
        final CounterDataPoint denied;
        final CounterDataPoint unauthenticated;
        final CounterDataPoint unavailable;
        final CounterDataPoint invalid;
        final CounterDataPoint replied;
        final CounterDataPoint failed;

        private PerPolicy(String name, Counter requests, Counter failures) {
            allowed = requests.labelValues(name, "allowed");
            denied = requests.labelValues(name, "denied");
            unauthenticated = requests.labelValues(name, "unauthenticated");
            unavailable = requests.labelValues(name, "unavailable");
            invalid = requests.labelValues(name, "invalid");
            replied = requests.labelValues(name, "replied");
            failed = failures.labelValues(name);
        }
    }

    private final PrometheusRegistry registry;
    private final Counter requests;
    private final Counter failures;
    private final Counter fetches;
    private final Counter sessions;
    private final Counter tokens;
    private final Counter dropped;
    private @Nullable GaugeWithCallback ended;
    private final NamedFigures<PerPolicy> policies =
            new NamedFigures<>(MOST_NAMES, this::made, (name, _) -> forget(name));

    AccessMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        requests = Counter.builder()
                .name("coppice_gateway_access_requests")
                .help(
                        "Requests that a security policy was asked about: allowed, denied, unauthenticated, unavailable, invalid, or replied to as they were meant for a method of it.")
                .labelNames("policy", "outcome")
                .register(registry);
        failures = Counter.builder()
                .name("coppice_gateway_access_failures")
                .help("CEL conditions of a security policy that failed for a request.")
                .labelNames("policy")
                .register(registry);
        fetches = Counter.builder()
                .name("coppice_gateway_key_fetches")
                .help(
                        "Fetches of keys that issuers of tokens publish, and of what they say of themselves: fetched, failed.")
                .labelNames("result")
                .register(registry);
        sessions = Counter.builder()
                .name("coppice_gateway_sessions")
                .help(
                        "What became of sessions of people whom an issuer logs in: begun, completed, refused, failed, refreshed, ended, loggedout, revoked (by the issuer), unrevoked (as its token was not good).")
                .labelNames("event")
                .register(registry);
        dropped = Counter.builder()
                .name("coppice_gateway_ended_sessions_dropped")
                .help(
                        "Names of sessions and subjects that went for want of room; whose sessions began before has to log in again.")
                .register(registry);
        tokens = Counter.builder()
                .name("coppice_gateway_token_fetches")
                .help("Fetches of tokens that the gateway shows to backends: fetched, failed.")
                .labelNames("result")
                .register(registry);
    }

    /** Has it shown how many sessions are remembered as ended; called once. */
    void endedSessions(IntSupplier count) {
        ended = GaugeWithCallback.builder()
                .name("coppice_gateway_ended_sessions")
                .help("Names of sessions and subjects that issuers have ended, as they are remembered.")
                .callback(callback -> callback.call(count.getAsInt()))
                .register(registry);
    }

    void dropped(int names) {
        dropped.inc(names);
    }

    void fetched(String result) {
        fetches.labelValues(result).inc();
    }

    void tokenFetched(String result) {
        tokens.labelValues(result).inc();
    }

    void session(String event) {
        sessions.labelValues(event).inc();
    }

    private PerPolicy made(String name) {
        return new PerPolicy(name, requests, failures);
    }

    private void forget(String name) {
        OUTCOMES.forEach(outcome -> requests.remove(name, outcome));
        failures.remove(name);
    }

    PerPolicy policy(String name) {
        return policies.of(name);
    }

    /** Forgets the figures of what is no longer there. */
    void keepOnly(Set<String> names) {
        policies.keepOnly(names::contains);
    }

    /** Takes them out, so that another data plane may have its own. */
    @Override
    public void close() {
        registry.unregister(requests);
        registry.unregister(failures);
        registry.unregister(fetches);
        registry.unregister(sessions);
        registry.unregister(tokens);
        registry.unregister(dropped);
        GaugeWithCallback gauge = ended;
        if (gauge != null) {
            registry.unregister(gauge);
        }
    }
}
