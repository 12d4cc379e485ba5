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
 * round is watched by itself, and no other. While the API is away they are as they were. Safe for use by many threads.
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

        /** As it was before it was asked for again. */
        final @Nullable Optional<ObjectNode> last;

        boolean stale;

        Entry(@Nullable Optional<ObjectNode> last) {
            this.last = last;
        }

        @Nullable
        Optional<ObjectNode> latest() {
            return object == null ? last : object;
        }
    }

    private final ResourceClient client;
    private final ResourceType type;
    private final Runnable changed;
    private final Runnable later;
    private final Map<Key, Entry> entries = new HashMap<>();
    private final Set<Key> asked = new HashSet<>();
    /** In this round the API did not answer: others are not asked for one by one. */
    private boolean away;

    /**
     * @param changed called, by any thread, when one of them changed
     * @param later called, by any thread, when they cannot be watched now, and another round has to try it, not at once
     */
    ReferencedObjects(ResourceClient client, ResourceType type, Runnable changed, Runnable later) {
        this.client = client;
        this.type = type;
        this.changed = changed;
        this.later = later;
    }

    /** Begins a round. */
    void begin() {
        synchronized (entries) {
            asked.clear();
            away = false;
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

    /**
     * The object as it is now, or as it was when the API answered last.
     *
     * @throws ApiException it does not answer, and the object was not known before; or this may not be read
     */
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
            @Nullable Optional<ObjectNode> last = known == null ? null : known.latest();
            if (away && last != null) {
                return last;
            }
            if (known != null) {
                close(known);
            }
            entry = new Entry(last);
            if (entries.size() >= MOST_WATCHED && known == null) {
                return client.get(type, key.namespace(), key.name());
            }
            entries.put(key, entry);
        }
        try {
            return read(key, entry);
        } catch (ApiException e) {
            return unread(entry, e);
        }
    }

    private Optional<ObjectNode> read(Key key, Entry entry) {
        // Watched before it is read, so that no change falls between.
        Watch watch = watch(key, entry);
        synchronized (entries) {
            entry.watch = watch;
        }
        Optional<ObjectNode> object = client.get(type, key.namespace(), key.name());
        synchronized (entries) {
            entry.object = object;
        }
        return object;
    }

    private Optional<ObjectNode> unread(Entry entry, ApiException why) {
        // 404: the kind itself is gone.
        @Nullable
        Optional<ObjectNode> instead = why.code() == 404 ? Optional.empty() : why.code() >= 500 ? entry.last : null;
        synchronized (entries) {
            entry.stale = true;
            away |= why.code() >= 500;
        }
        if (instead == null) {
            throw why;
        }
        later.run();
        return instead;
    }

    private Watch watch(Key key, Entry entry) {
        return client.watch(
                type, new Query(key.namespace(), "", "metadata.name=" + key.name()), "", new WatchObserver() {
                    @Override
                    public void event(EventType event, ObjectNode object) {
                        if (event != EventType.BOOKMARK) {
                            stale(entry, changed);
                        }
                    }

                    @Override
                    public void closed(@Nullable ApiException error) {
                        // To watch it again at once would fail again at once while the API is away.
                        stale(entry, error == null ? changed : later);
                    }
                });
    }

    private void stale(Entry entry, Runnable then) {
        boolean first;
        synchronized (entries) {
            first = !entry.stale;
            entry.stale = true;
        }
        if (first) {
            then.run();
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
