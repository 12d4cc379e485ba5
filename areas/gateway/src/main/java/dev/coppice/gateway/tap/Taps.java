package dev.coppice.gateway.tap;

import dev.coppice.gateway.log.LogClock;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All who watch requests, {@value #MOST_WATCHERS} at most. While there is none a request pays for one look. Safe for use by many threads. */
public final class Taps implements AutoCloseable {
    static final int MOST_WATCHERS = 8;

    private final PrometheusRegistry registry;
    private final GaugeWithCallback watchers;
    private volatile List<Tap> open = List.of();

    public Taps(PrometheusRegistry registry) {
        this.registry = registry;
        this.watchers = GaugeWithCallback.builder()
                .name("coppice_gateway_tap_watchers")
                .help("Those who watch requests now.")
                .callback(callback -> callback.call(open.size()))
                .register(registry);
    }

    /** Whether anybody watches. */
    public boolean watched() {
        return !open.isEmpty();
    }

    /** Begins to watch, until it is closed; empty when too many do. */
    public synchronized Optional<Tap> open(TapQuestion question) {
        if (open.size() >= MOST_WATCHERS) {
            return Optional.empty();
        }
        Tap made = new Tap(question, this::remove);
        List<Tap> all = new ArrayList<>(open);
        all.add(made);
        open = List.copyOf(all);
        return Optional.of(made);
    }

    private synchronized void remove(Tap tap) {
        open = open.stream().filter(each -> each != tap).toList();
    }

    /**
     * A request is over.
     *
     * @param now as the kernel's clock measures it
     */
    public void tell(TappedRequest request, LogClock clock, long now) {
        for (Tap each : open) {
            each.tell(request, clock, now);
        }
    }

    /** All are told that it is over, and the metrics taken out. */
    @Override
    public void close() {
        open.forEach(each -> each.end("stopped"));
        registry.unregister(watchers);
    }
}
