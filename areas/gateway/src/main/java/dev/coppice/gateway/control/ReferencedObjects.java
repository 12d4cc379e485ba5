package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.Watch;
import dev.coppice.control.ResourceClient.WatchObserver;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Objects of one type that are looked at only because something refers to them, such as Secrets: each that was asked for in the last
 * round is watched by itself, and no other. Safe for use by many threads.
 */
final class ReferencedObjects implements AutoCloseable {
    /** Further ones are looked up each time, and their changes seen with the next change of something else. */
    private static final int MOST_WATCHED = 5000;

    /** Of any object (RFC 1123, as Kubernetes has it). */
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

    private static final class Entry {
        @Nullable
        Watch watch;

        @Nullable
        Optional<ObjectNode> object;

        boolean stale;
    }

    private final ResourceClient client;
    private final ResourceType type;
    private final Runnable changed;
    private final Map<Key, Entry> entries = new HashMap<>();
    private final Set<Key> asked = new HashSet<>();

    /** @param changed called, by any thread, when one of them changed */
    ReferencedObjects(ResourceClient client, ResourceType type, Runnable changed) {
        this.client = client;
        this.type = type;
        this.changed = changed;
    }

    /** Begins a round. */
    void begin() {
        synchronized (entries) {
            asked.clear();
        }
    }

    /** Ends a round: what was not asked for is watched no more. */
    void end() {
        synchronized (entries) {
            for (Iterator<Map.Entry<Key, Entry>> all = entries.entrySet().iterator(); all.hasNext(); ) {
                Map.Entry<Key, Entry> each = all.next();
                if (!asked.contains(each.getKey())) {
                    close(each.getValue());
                    all.remove();
                }
            }
        }
    }

    /** The object as it is now. */
    Optional<ObjectNode> get(Key key) {
        if (!NAME.matcher(key.name()).matches()) {
            // Nothing can have such a name, and no API lets anybody ask for it.
            return Optional.empty();
        }
        Entry entry;
        synchronized (entries) {
            asked.add(key);
            Entry known = entries.get(key);
            if (known != null && !known.stale && known.object != null) {
                return known.object;
            }
            if (known != null) {
                close(known);
            }
            entry = new Entry();
            if (entries.size() >= MOST_WATCHED && known == null) {
                return client.get(type, key.namespace(), key.name());
            }
            entries.put(key, entry);
        }
        // Watched before it is read, so that no change falls between.
        Watch watch;
        try {
            watch = watch(key, entry);
        } catch (ApiException e) {
            stale(entry);
            if (e.code() == 404) {
                // The kind is gone.
                return Optional.empty();
            }
            throw e;
        }
        synchronized (entries) {
            entry.watch = watch;
        }
        Optional<ObjectNode> object = client.get(type, key.namespace(), key.name());
        synchronized (entries) {
            entry.object = object;
        }
        return object;
    }

    private Watch watch(Key key, Entry entry) {
        return client.watch(
                type, new Query(key.namespace(), "", "metadata.name=" + key.name()), "", new WatchObserver() {
                    @Override
                    public void event(EventType event, ObjectNode object) {
                        if (event != EventType.BOOKMARK) {
                            stale(entry);
                        }
                    }

                    @Override
                    public void closed(@Nullable ApiException error) {
                        stale(entry);
                    }
                });
    }

    private void stale(Entry entry) {
        boolean first;
        synchronized (entries) {
            first = !entry.stale;
            entry.stale = true;
        }
        if (first) {
            changed.run();
        }
    }

    private static void close(Entry entry) {
        entry.stale = true;
        if (entry.watch != null) {
            entry.watch.close();
        }
    }

    @Override
    public void close() {
        synchronized (entries) {
            entries.values().forEach(ReferencedObjects::close);
            entries.clear();
        }
    }
}
