package dev.coppice.gateway.acme;

import dev.coppice.control.Key;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The metrics of certificates. Safe for use by many threads. */
final class CertificateMetrics implements AutoCloseable {
    /** Certificates with figures of their own. */
    private static final int MOST_NAMED = 2000;

    final Counter issuances = Counter.builder()
            .name("coppice_gateway_certificate_issuances_total")
            .help("Certificates that were ordered: begun, issued, failed.")
            .labelNames("result")
            .build();
    final Counter failures = Counter.builder()
            .name("coppice_gateway_acme_failures_total")
            .help("Requests to ACME servers that failed, by what they were for: account, order, challenge.")
            .labelNames("step")
            .build();
    private final Gauge expiry = Gauge.builder()
            .name("coppice_gateway_certificate_expiration_timestamp_seconds")
            .help("Until when certificates are good, in seconds since 1970; of 2000 at most.")
            .labelNames("namespace", "name")
            .build();
    private final Gauge ready = Gauge.builder()
            .name("coppice_gateway_certificate_ready")
            .help("Whether Certificates are ready, 0 or 1; of 2000 at most.")
            .labelNames("namespace", "name")
            .build();

    /** Steps that wait for others of their issuer. */
    final Counter postponed = Counter.builder()
            .name("coppice_gateway_certificate_steps_postponed")
            .help(
                    "Steps of orders and challenges that wait, as many of their issuer are being taken as may be at one time.")
            .labelNames("step")
            .build();

    private final PrometheusRegistry registry;
    private final List<Collector> all = List.of(issuances, failures, expiry, ready, postponed);
    private final Set<Key> named = new HashSet<>();

    CertificateMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        all.forEach(registry::register);
    }

    synchronized void seen(Key key, boolean good, @Nullable Instant notAfter) {
        if (!named.contains(key) && named.size() >= MOST_NAMED) {
            return;
        }
        named.add(key);
        ready.labelValues(key.namespace(), key.name()).set(good ? 1 : 0);
        if (notAfter == null) {
            expiry.remove(key.namespace(), key.name());
        } else {
            expiry.labelValues(key.namespace(), key.name()).set(notAfter.getEpochSecond());
        }
    }

    synchronized void gone(Key key) {
        if (named.remove(key)) {
            ready.remove(key.namespace(), key.name());
            expiry.remove(key.namespace(), key.name());
        }
    }

    @Override
    public void close() {
        all.forEach(registry::unregister);
    }
}
