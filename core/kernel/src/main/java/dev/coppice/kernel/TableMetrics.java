package dev.coppice.kernel;

import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.ref.WeakReference;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What a kernel's tables count. Labels are bounded: past the limit tables are summed up as {@code other}. */
final class TableMetrics {
    private static final int MAX_LABELS = 100;
    /** The registry's callbacks keep the metrics; this map must not keep either. */
    private static final Map<PrometheusRegistry, WeakReference<TableMetrics>> ALL = new WeakHashMap<>();

    private final Set<Table<?, ?>> tables = ConcurrentHashMap.newKeySet();

    private TableMetrics(PrometheusRegistry registry) {
        GaugeWithCallback.builder()
                .name("coppice_kernel_table_entries")
                .help("Entries in tables.")
                .labelNames("table")
                .callback(c -> sums(Table::size).forEach((table, sum) -> c.call(sum, table)))
                .register(registry);
        counter(registry, "evicted", "Entries that a full table dropped.", table -> table.evicted.sum());
        counter(registry, "expired", "Entries whose time to live was over.", table -> table.expired.sum());
        counter(registry, "refused", "New keys that a full table refused.", table -> table.refused.sum());
    }

    static TableMetrics of(Kernel kernel) {
        synchronized (ALL) {
            WeakReference<TableMetrics> known = ALL.get(kernel.metrics());
            @Nullable TableMetrics metrics = known == null ? null : known.get();
            if (metrics == null) {
                metrics = new TableMetrics(kernel.metrics());
                ALL.put(kernel.metrics(), new WeakReference<>(metrics));
            }
            return metrics;
        }
    }

    void add(Table<?, ?> table) {
        tables.add(table);
    }

    void remove(Table<?, ?> table) {
        tables.remove(table);
    }

    /** What the tables there are like, the greatest first. */
    List<TableInfo> infos(int limit) {
        return tables.stream()
                .map(Table::info)
                .sorted(Comparator.comparingInt(TableInfo::size).reversed().thenComparing(TableInfo::name))
                .limit(limit)
                .toList();
    }

    private void counter(PrometheusRegistry registry, String what, String help, ToLongFunction<Table<?, ?>> value) {
        CounterWithCallback.builder()
                .name("coppice_kernel_table_" + what + "_total")
                .help(help)
                .labelNames("table")
                .callback(c -> sums(value).forEach((table, sum) -> c.call(sum, table)))
                .register(registry);
    }

    private Map<String, Long> sums(ToLongFunction<Table<?, ?>> value) {
        Map<String, Long> sums = new TreeMap<>();
        for (Table<?, ?> table : tables) {
            String label = sums.size() < MAX_LABELS || sums.containsKey(table.name()) ? table.name() : "other";
            sums.merge(label, value.applyAsLong(table), Long::sum);
        }
        return sums;
    }
}
