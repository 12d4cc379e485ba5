package dev.coppice.gateway.page;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/**
 * Looks at the data plane's metrics every two seconds while somebody wants to know, and now and then at other times; keeps what the last ten seconds and the
 * totals of the last two minutes need. Safe for use by many threads.
 */
public final class TrafficWatch {
    /** Between two looks while somebody wants to know. */
    public static final Duration EVERY = Duration.ofSeconds(2);

    /** Between two looks at all other times: what is shown first is the way it was since then. */
    public static final Duration AT_REST = Duration.ofSeconds(30);

    /** Ten seconds, as far as looks come in time; less for as long as there were none before. */
    private static final long MOST_WINDOW_NANOS = 11_000_000_000L;

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

    /** Looks once. */
    public synchronized void look() {
        Counts now = Counts.read(kernel.metrics(), kernel.clock().nanoTime());
        Counts last = counts.peekLast();
        if (last != null) {
            Span span = new Span(last, now, List.of());
            // After a rest they are all that is known of each two seconds of it.
            long steps = Math.clamp(Math.round(span.seconds() / EVERY.toSeconds()), 1, TOTALS);
            for (long i = 0; i < steps; i++) {
                totals.addLast(span.rate("requests"));
            }
            while (totals.size() > TOTALS) {
                totals.removeFirst();
            }
        }
        counts.addLast(now);
        while (counts.size() > 2 && now.nanos() - counts.getFirst().nanos() > MOST_WINDOW_NANOS) {
            counts.removeFirst();
        }
    }

    /** How it is now: whoever wants to know makes it look, if that was not done just before. */
    synchronized Span last() {
        if (kernel.clock().nanoTime() - counts.getLast().nanos() >= EVERY.toNanos() * 3 / 4) {
            look();
        }
        return new Span(counts.getFirst(), counts.getLast(), new ArrayList<>(totals));
    }
}
