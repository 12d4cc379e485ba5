package dev.coppice.gateway.proxy;

import dev.coppice.gateway.resilience.OverloadGate;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether the gateway itself has too much to do: event loops that are late, each for itself, and a heap that is full of what lives. Safe for
 * use by many threads.
 */
final class Overload implements AutoCloseable {
    private static final long HEAP_NANOS = 1_000_000_000;
    private static final int PERCENT = 100;

    /** Why requests are refused. */
    enum Reason {
        EVENT_LOOP("event-loop"),
        HEAP("heap");

        final String word;

        Reason(String word) {
            this.word = word;
        }
    }

    /** One event loop. Measured on it only. */
    final class Loop {
        private final OverloadGate gate =
                new OverloadGate(options.lag().toNanos(), options.lagOver().toNanos());

        /** A tick comes so much later than it should. */
        void late(long nanos) {
            gate.measured(nanos);
        }

        /** Why a new request is refused; null: it is not. */
        @Nullable
        Reason refuses() {
            if (!gate.admits()) {
                return Reason.EVENT_LOOP;
            }
            return heap.admits() ? null : Reason.HEAP;
        }

        /** Whether all are let in. */
        boolean well() {
            return gate.shed() == 0;
        }
    }

    private final ProxyOptions.Overload options;
    private final PrometheusRegistry registry;
    private final DoubleSupplier heapPercent;
    private final OverloadGate heap;
    private final AtomicLong heapDue;
    private final List<Loop> loops = new CopyOnWriteArrayList<>();
    private final Counter shed;
    private final List<Collector> collectors;

    Overload(ProxyOptions.Overload options, PrometheusRegistry registry, long now) {
        this(options, registry, now, heapPercent());
    }

    /** @param heapPercent how full the heap is */
    Overload(ProxyOptions.Overload options, PrometheusRegistry registry, long now, DoubleSupplier heapPercent) {
        this.options = options;
        this.registry = registry;
        this.heapPercent = heapPercent;
        this.heap = new OverloadGate(options.heapPercent(), options.heapPercentOver());
        this.heapDue = new AtomicLong(now);
        shed = Counter.builder()
                .name("coppice_gateway_shed")
                .help("Requests refused since the gateway itself has too much to do: event-loop, heap.")
                .labelNames("reason")
                .build();
        collectors = List.of(
                shed,
                GaugeWithCallback.builder()
                        .name("coppice_gateway_shed_ratio")
                        .help("The share of new requests that is refused since the gateway has too much to do.")
                        .labelNames("reason")
                        .callback(callback -> {
                            callback.call(
                                    loops.stream()
                                            .mapToDouble(each -> each.gate.shed())
                                            .max()
                                            .orElse(0),
                                    Reason.EVENT_LOOP.word);
                            callback.call(heap.shed(), Reason.HEAP.word);
                        })
                        .build());
        collectors.forEach(registry::register);
    }

    /** What lived of the old generation when it was collected last, in percent of the most it may have; 0 where the JVM does not say. */
    private static DoubleSupplier heapPercent() {
        MemoryPoolMXBean old = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(each -> each.getType() == MemoryType.HEAP && each.isCollectionUsageThresholdSupported())
                .max(Comparator.comparingLong(each -> each.getUsage().getMax()))
                .orElse(null);
        return () -> {
            MemoryUsage usage = old == null ? null : old.getCollectionUsage();
            return usage == null || usage.getMax() <= 0 ? 0 : (double) usage.getUsed() * PERCENT / usage.getMax();
        };
    }

    /** For one event loop. */
    Loop loop() {
        Loop made = new Loop();
        loops.add(made);
        return made;
    }

    /** The event loops are no more. */
    void forgetLoops() {
        loops.clear();
    }

    /** Looks at the heap, once a second however often it is called. */
    void look(long now) {
        long due = heapDue.get();
        if (now - due >= 0 && heapDue.compareAndSet(due, now + HEAP_NANOS)) {
            heap.measured(heapPercent.getAsDouble());
        }
    }

    void refused(Reason why) {
        shed.labelValues(why.word).inc();
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
