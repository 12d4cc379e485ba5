package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.health.series.Ledger;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the notifier has to remember: groups with what was told about them, and the outbox. Changes are made together and
 * are on the disk before anything is sent. When the disk fails they are kept in memory and written with the next change:
 * people must hear of it, at the price of a repeated notification should the process end before the disk is well. Safe
 * for use by many threads.
 */
final class NotifyStore {
    private static final System.Logger LOG = System.getLogger(NotifyStore.class.getName());
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Ledger ledger;
    private final ReentrantLock lock = new ReentrantLock();
    private final TreeMap<String, JsonNode> live = new TreeMap<>();
    private final Map<String, @Nullable JsonNode> unsaved = new LinkedHashMap<>();
    private volatile @Nullable String failure;

    NotifyStore(Ledger ledger) {
        this.ledger = ledger;
        ledger.entries("").forEach((key, value) -> {
            try {
                live.put(key, JSON.readTree(value));
            } catch (IOException e) {
                LOG.log(Level.WARNING, "a remembered notification is unreadable and is left out: {0}", key);
            }
        });
    }

    Optional<JsonNode> get(String key) {
        lock.lock();
        try {
            return Optional.ofNullable(live.get(key));
        } finally {
            lock.unlock();
        }
    }

    Map<String, JsonNode> entries(String prefix) {
        lock.lock();
        try {
            Map<String, JsonNode> found = new LinkedHashMap<>();
            for (var e : live.tailMap(prefix).entrySet()) {
                if (!e.getKey().startsWith(prefix)) {
                    break;
                }
                found.put(e.getKey(), e.getValue());
            }
            return found;
        } finally {
            lock.unlock();
        }
    }

    int count(String prefix) {
        lock.lock();
        try {
            return live.subMap(prefix, prefix + Character.MAX_VALUE).size();
        } finally {
            lock.unlock();
        }
    }

    /** Makes the changes together; a null removes. */
    void commit(Map<String, @Nullable ObjectNode> changes) {
        lock.lock();
        try {
            Map<String, @Nullable JsonNode> all = new LinkedHashMap<>(unsaved);
            all.putAll(changes);
            Ledger.Batch batch = new Ledger.Batch();
            all.forEach((key, value) -> {
                if (value == null) {
                    batch.remove(key);
                } else {
                    batch.put(key, value.toString().getBytes(StandardCharsets.UTF_8));
                }
            });
            try {
                ledger.commit(batch);
                unsaved.clear();
                failure = null;
            } catch (IOException e) {
                unsaved.putAll(changes);
                if (failure == null) {
                    LOG.log(Level.WARNING, "notifications are kept in memory only: {0}", e.getMessage());
                }
                failure = String.valueOf(e.getMessage());
            }
            changes.forEach((key, value) -> {
                if (value == null) {
                    live.remove(key);
                } else {
                    live.put(key, value);
                }
            });
        } finally {
            lock.unlock();
        }
    }

    Optional<String> failure() {
        return Optional.ofNullable(failure);
    }
}
