package dev.coppice.gateway.page;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the data plane's metrics say at one moment. Immutable.
 *
 * @param nanos when that was
 * @param points of counters and gauges, by name without the prefix of all of them
 * @param latencies of requests, by route
 */
record Counts(long nanos, Map<String, List<Point>> points, Map<String, Buckets> latencies) {
    private static final String PREFIX = "coppice_gateway_";
    private static final String LATENCY = "request_seconds";

    /** A value with its labels. */
    record Point(Labels labels, double value) {
        String label(String name) {
            String value = labels.get(name);
            return value == null ? "" : value;
        }
    }

    /**
     * Counts of a histogram's buckets, each alone.
     *
     * @param bounds the upper ones; the last is infinite
     */
    record Buckets(double[] bounds, long[] counts) {
        /** What was counted since then. */
        Buckets since(@Nullable Buckets before) {
            if (before == null || before.counts.length != counts.length) {
                return this;
            }
            long[] differences = new long[counts.length];
            for (int i = 0; i < counts.length; i++) {
                differences[i] = Math.max(0, counts[i] - before.counts[i]);
            }
            return new Buckets(bounds, differences);
        }

        Buckets plus(Buckets other) {
            long[] sums = counts.clone();
            for (int i = 0; i < sums.length; i++) {
                sums[i] += other.counts[i];
            }
            return new Buckets(bounds, sums);
        }

        /** A quantile, as Prometheus estimates it; NaN when nothing was counted. */
        double quantile(double of) {
            long sum = 0;
            for (long each : counts) {
                sum += each;
            }
            double rank = of * sum;
            double below = 0;
            for (int i = 0; i < counts.length; i++) {
                if (counts[i] > 0 && below + counts[i] >= rank) {
                    double from = i == 0 ? 0 : bounds[i - 1];
                    return Double.isInfinite(bounds[i]) ? from : from + (bounds[i] - from) * (rank - below) / counts[i];
                }
                below += counts[i];
            }
            return Double.NaN;
        }
    }

    static Counts read(PrometheusRegistry registry, long nanos) {
        Map<String, List<Point>> points = new HashMap<>();
        Map<String, Buckets> latencies = new HashMap<>();
        for (MetricSnapshot each : registry.scrape(name -> name.startsWith(PREFIX))) {
            String name = each.getMetadata().getName().substring(PREFIX.length());
            List<Point> own = new ArrayList<>();
            switch (each) {
                case CounterSnapshot counter ->
                    counter.getDataPoints().forEach(point -> own.add(new Point(point.getLabels(), point.getValue())));
                case GaugeSnapshot gauge ->
                    gauge.getDataPoints().forEach(point -> own.add(new Point(point.getLabels(), point.getValue())));
                case HistogramSnapshot histogram
                when name.equals(LATENCY) ->
                    histogram.getDataPoints().forEach(point -> {
                        String route = point.getLabels().get("route");
                        latencies.put(route == null ? "" : route, buckets(point.getClassicBuckets()));
                    });
                default -> {
                    // Nothing else is shown.
                }
            }
            points.put(name, own);
        }
        return new Counts(nanos, points, latencies);
    }

    private static Buckets buckets(ClassicHistogramBuckets from) {
        double[] bounds = new double[from.size()];
        long[] counts = new long[from.size()];
        for (int i = 0; i < counts.length; i++) {
            bounds[i] = from.getUpperBound(i);
            counts[i] = from.getCount(i);
        }
        return new Buckets(bounds, counts);
    }

    List<Point> of(String name) {
        return points.getOrDefault(name, List.of());
    }

    /** The sum of all series of a metric. */
    double sum(String name) {
        return of(name).stream().mapToDouble(Point::value).sum();
    }

    /** Sums of a metric, by a label. */
    Map<String, Double> by(String name, String label) {
        Map<String, Double> all = new HashMap<>();
        of(name).forEach(each -> all.merge(each.label(label), each.value(), Double::sum));
        return all;
    }

    /** Sums of a metric, by two labels. */
    Map<String, Map<String, Double>> by(String name, String label, String second) {
        Map<String, Map<String, Double>> all = new HashMap<>();
        of(name).forEach(each -> all.computeIfAbsent(each.label(label), _ -> new HashMap<>())
                .merge(each.label(second), each.value(), Double::sum));
        return all;
    }
}
