package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.ListenerConfig;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The WebSockets of each listener: how many there may be, for how long, and what has become of them. Safe for use by many threads. */
final class WebSockets implements AutoCloseable {
    private static final List<String> REASONS = List.of("client", "endpoint", "idle", "lifetime");
    private static final long NANOS_A_MILLI = 1_000_000;

    private final PrometheusRegistry registry;
    private final long usualIdleNanos;
    private final Map<String, PerListener> listeners = new HashMap<>();
    private final Gauge open = Gauge.builder()
            .name("coppice_gateway_websockets")
            .help("WebSockets that are open, or asked for at this moment.")
            .labelNames("listener")
            .build();
    private final Counter ends = Counter.builder()
            .name("coppice_gateway_websockets_ended")
            .help("WebSockets that ended, by who or what ended them: client, endpoint, idle, lifetime.")
            .labelNames("listener", "reason")
            .build();
    private final Counter refused = Counter.builder()
            .name("coppice_gateway_websockets_refused")
            .help("WebSockets that were refused, as too many were open.")
            .labelNames("listener")
            .build();

    /** @param usualIdleNanos of listeners that say nothing */
    WebSockets(PrometheusRegistry registry, long usualIdleNanos) {
        this.registry = registry;
        this.usualIdleNanos = usualIdleNanos;
        registry.register(open);
        registry.register(ends);
        registry.register(refused);
    }

    /** Those of one listener, wherever it listens. */
    final class PerListener {
        private final String name;
        private final AtomicInteger count = new AtomicInteger();
        private volatile ClientConfig.@Nullable WebSockets config;

        PerListener(String name) {
            this.name = name;
        }

        /** Whether there may be one more, which is counted until it is {@linkplain #giveBack given back}. */
        boolean take() {
            ClientConfig.WebSockets bounds = config;
            int most = bounds == null || bounds.most() == 0 ? Integer.MAX_VALUE : bounds.most();
            if (count.incrementAndGet() > most) {
                count.decrementAndGet();
                refused.labelValues(name).inc();
                return false;
            }
            open.labelValues(name).inc();
            return true;
        }

        void giveBack() {
            // In this order: its figures go when there is none.
            open.labelValues(name).dec();
            count.decrementAndGet();
        }

        void ended(String reason) {
            ends.labelValues(name, reason).inc();
        }

        long idleNanos() {
            ClientConfig.WebSockets bounds = config;
            return bounds == null || bounds.idleMillis() == 0 ? usualIdleNanos : bounds.idleMillis() * NANOS_A_MILLI;
        }

        /** 0: for ever. */
        long lifeNanos() {
            ClientConfig.WebSockets bounds = config;
            return bounds == null ? 0 : bounds.lifeMillis() * NANOS_A_MILLI;
        }
    }

    /** Takes over what is configured; those that are open go on, and are measured by it from now on. */
    synchronized void update(List<ListenerConfig> now) {
        Map<String, PerListener> kept = new HashMap<>();
        for (ListenerConfig each : now) {
            PerListener listener = of(each);
            listener.config = each.clients() == null ? null : each.clients().webSockets();
            kept.put(listener.name, listener);
        }
        listeners.values().removeIf(each -> {
            // Those that are still open count on, until a later update.
            boolean gone = !kept.containsKey(each.name) && each.count.get() == 0;
            if (gone) {
                open.remove(each.name);
                refused.remove(each.name);
                REASONS.forEach(reason -> ends.remove(each.name, reason));
            }
            return gone;
        });
    }

    synchronized PerListener of(ListenerConfig listener) {
        return listeners.computeIfAbsent(listener.gateway() + "/" + listener.name(), PerListener::new);
    }

    /** How many of a listener are open; for tests. */
    double openNow(String listener) {
        return open.labelValues(listener).get();
    }

    /** How many of a listener have ended like this; for tests. */
    double ended(String listener, String reason) {
        return ends.labelValues(listener, reason).get();
    }

    @Override
    public void close() {
        registry.unregister(open);
        registry.unregister(ends);
        registry.unregister(refused);
    }
}
