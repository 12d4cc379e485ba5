package dev.coppice.gateway.page;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/**
 * Looks at the data plane's metrics every two seconds, and keeps what the last ten seconds and the totals of the last two minutes need. Safe for use by
 * many threads.
 */
public final class TrafficWatch {
    /** Between two looks. */
    public static final Duration EVERY = Duration.ofSeconds(2);

    private static final int WINDOW = 5;
    private static final int TOTALS = 60;

    /**
     * Between two moments.
     *
     * @param requestsPerSecond of all routes, each two seconds, the oldest first
     */
    record Span(Counts before, Counts now, List<Double> requestsPerSecond) {
        double seconds() {
            return Math.max(1e-9, (now.nanos() - before.nanos()) / 1e9);
        }

        /** How fast something grew; a counter that began anew counts from zero. */
        double rate(double then, double value) {
            return (value >= then ? value - then : value) / seconds();
        }

        double rate(String name) {
            return rate(before.sum(name), now.sum(name));
        }

        /** How fast each grew, by a label. */
        Map<String, Double> rates(String name, String label) {
            Map<String, Double> then = before.by(name, label);
            Map<String, Double> all = now.by(name, label);
            all.replaceAll((key, value) -> rate(then.getOrDefault(key, 0.0), value));
            return all;
        }
    }

    private final Kernel kernel;
    private final Deque<Counts> counts = new ArrayDeque<>();
    private final Deque<Double> totals = new ArrayDeque<>();

    public TrafficWatch(Kernel kernel) {
        this.kernel = kernel;
        look();
    }

    /** Looks once; to be called at an even pace. */
    public void look() {
        Counts now = Counts.read(kernel.metrics(), kernel.clock().nanoTime());
        synchronized (this) {
            Counts last = counts.peekLast();
            if (last != null) {
                totals.addLast(new Span(last, now, List.of()).rate("requests"));
                if (totals.size() > TOTALS) {
                    totals.removeFirst();
                }
            }
            counts.addLast(now);
            if (counts.size() > WINDOW + 1) {
                counts.removeFirst();
            }
        }
    }

    synchronized Span last() {
        return new Span(counts.getFirst(), counts.getLast(), new ArrayList<>(totals));
    }
}
