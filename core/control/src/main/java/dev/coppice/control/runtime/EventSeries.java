package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes Events (core/v1) through a client; equal ones within ten minutes are counted in one object. Remembers the newest 4,096.
 * Safe for use by many threads.
 */
public final class EventSeries {
    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");
    private static final int KEPT = 4_096;
    private static final Duration COUNTED_TOGETHER = Duration.ofMinutes(10);

    private record Recorded(String namespace, String name, int count, long atNanos) {}

    private final Kernel kernel;
    private final ResourceClient client;
    private final String component;
    private final Map<String, Recorded> recorded = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Recorded> eldest) {
            return size() > KEPT;
        }
    };

    /** @param component who reports, such as {@code coppice-health} */
    public EventSeries(Kernel kernel, ResourceClient client, String component) {
        this.kernel = kernel;
        this.client = client;
        this.component = component;
    }

    /** See {@link ResourceClient#event}. */
    public void write(ObjectNode regarding, String type, String reason, String note) {
        String uid = Json.text(regarding, "metadata", "uid");
        String identity = uid + "/" + type + "/" + reason + "/" + note;
        String now = DateTimeFormatter.ISO_INSTANT.format(kernel.clock().now().truncatedTo(ChronoUnit.SECONDS));
        long nowNanos = kernel.clock().nanoTime();
        Recorded before;
        synchronized (recorded) {
            before = recorded.get(identity);
        }
        Recorded next;
        if (before != null && nowNanos - before.atNanos() < COUNTED_TOGETHER.toNanos() && count(before, now)) {
            next = new Recorded(before.namespace(), before.name(), before.count() + 1, nowNanos);
        } else {
            ObjectNode made = client.create(EVENTS, event(regarding, type, reason, note, now));
            Key key = ObjectCache.key(made);
            next = new Recorded(key.namespace(), key.name(), 1, nowNanos);
        }
        synchronized (recorded) {
            recorded.put(identity, next);
        }
    }

    /** Counts an event that was recorded before; false when it is gone. */
    private boolean count(Recorded before, String now) {
        ObjectNode patch = Json.object().put("count", before.count() + 1).put("lastTimestamp", now);
        try {
            ObjectNode _ = client.mergePatch(EVENTS, before.namespace(), before.name(), null, patch);
            return true;
        } catch (ApiException e) {
            if (e.code() == 404) {
                return false;
            }
            throw e;
        }
    }

    private ObjectNode event(ObjectNode regarding, String type, String reason, String note, String now) {
        Key key = ObjectCache.key(regarding);
        String namespace = key.namespace().isEmpty() ? "default" : key.namespace();
        ObjectNode event = Json.object().put("kind", "Event").put("apiVersion", "v1");
        event.putObject("metadata")
                .put("name", key.name() + "." + Long.toHexString(kernel.random().nextLong() & Long.MAX_VALUE))
                .put("namespace", namespace);
        ObjectNode about = event.putObject("involvedObject");
        about.put("kind", regarding.path("kind").asText(""));
        about.put("apiVersion", regarding.path("apiVersion").asText(""));
        about.put("name", key.name());
        if (!key.namespace().isEmpty()) {
            about.put("namespace", key.namespace());
        }
        about.put("uid", Json.text(regarding, "metadata", "uid"));
        about.put("resourceVersion", Json.text(regarding, "metadata", "resourceVersion"));
        event.put("type", type).put("reason", reason).put("message", note).put("count", 1);
        event.put("firstTimestamp", now).put("lastTimestamp", now);
        event.putObject("source").put("component", component);
        event.put("reportingComponent", component).put("reportingInstance", "");
        return event;
    }
}
