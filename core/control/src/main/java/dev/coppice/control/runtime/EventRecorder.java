package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient;
import dev.coppice.kernel.Kernel;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Records events about objects, and keeps floods out (as Kubernetes' client-go): more than ten different notes with the
 * same reason about one object within ten minutes are combined into one; beyond a burst of 25 events about one object, one
 * more every five minutes is let through. Never fails its caller. Safe for use by many threads.
 */
public final class EventRecorder {

    private static final System.Logger LOG = System.getLogger(EventRecorder.class.getName());
    private static final int OBJECTS_KEPT = 4_096;
    private static final int DIFFERENT_NOTES = 10;
    private static final Duration SIMILAR_WITHIN = Duration.ofMinutes(10);
    private static final int BURST = 25;
    private static final Duration REFILL = Duration.ofMinutes(5);
    private static final int LONGEST_NOTE = 1_024;

    /** What was recorded about one object. */
    private static final class History {
        double tokens = BURST;
        long tokensAtNanos;
        final Map<String, Similar> byReason = new LinkedHashMap<>();

        History(long nowNanos) {
            tokensAtNanos = nowNanos;
        }
    }

    private static final class Similar {
        final LinkedHashSet<String> notes = new LinkedHashSet<>();
        long lastNanos;
    }

    private final Kernel kernel;
    private final ResourceClient client;
    private final RuntimeMetrics metrics;
    private final Map<String, History> histories = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, History> eldest) {
            return size() > OBJECTS_KEPT;
        }
    };

    public EventRecorder(Kernel kernel, ResourceClient client) {
        this.kernel = kernel;
        this.client = client;
        this.metrics = RuntimeMetrics.of(kernel.metrics());
    }

    /**
     * Records that something happened.
     *
     * @param type {@code Normal} or {@code Warning}
     * @param reason one word in CamelCase
     * @param note for people; cut at 1,024 characters
     */
    public void record(ObjectNode regarding, String type, String reason, String note) {
        String cut = note.length() <= LONGEST_NOTE ? note : note.substring(0, LONGEST_NOTE - 1) + "…";
        Optional<String> text = admit(regarding, type + "/" + reason, cut);
        if (text.isEmpty()) {
            metrics.events.labelValues("dropped").inc();
            return;
        }
        try {
            client.event(regarding, type, reason, text.get());
            metrics.events.labelValues("recorded").inc();
        } catch (RuntimeException e) {
            metrics.events.labelValues("failed").inc();
            LOG.log(Level.DEBUG, "an event could not be recorded", e);
        }
    }

    private synchronized Optional<String> admit(ObjectNode regarding, String sort, String note) {
        long now = kernel.clock().nanoTime();
        String object = regarding
                .path("metadata")
                .path("uid")
                .asText(ObjectCache.key(regarding).toString());
        History history = histories.computeIfAbsent(object, _ -> new History(now));
        history.tokens = Math.min(BURST, history.tokens + (now - history.tokensAtNanos) / (double) REFILL.toNanos());
        history.tokensAtNanos = now;
        if (history.tokens < 1) {
            return Optional.empty();
        }
        history.tokens -= 1;
        return Optional.of(combined(history, sort, note, now));
    }

    private static String combined(History history, String sort, String note, long now) {
        Similar similar = history.byReason.computeIfAbsent(sort, _ -> new Similar());
        if (history.byReason.size() > BURST) {
            history.byReason.keySet().retainAll(Set.of(sort));
        }
        if (now - similar.lastNanos > SIMILAR_WITHIN.toNanos()) {
            similar.notes.clear();
        }
        similar.lastNanos = now;
        if (similar.notes.contains(note)) {
            return note;
        }
        if (similar.notes.size() < DIFFERENT_NOTES) {
            similar.notes.add(note);
            return note;
        }
        return "(combined from similar events): " + similar.notes.getLast();
    }
}
