package dev.coppice.kernel;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One key of a {@link ProcessIndex}: who has it, in order. Guarded by its monitor, but for {@link #entries}. */
final class IndexSlot<K, V> {
    /** Somebody who hears of changes until it is closed. */
    static final class Watcher<K, V> {
        private final Consumer<? super ProcessIndex.Change<K, V>> listener;
        private volatile boolean closed;

        Watcher(Consumer<? super ProcessIndex.Change<K, V>> listener) {
            this.listener = listener;
        }

        void tell(ProcessIndex.Change<K, V> change) {
            if (!closed) {
                listener.accept(change);
            }
        }

        void close() {
            closed = true;
        }
    }

    final Map<ProcessRun<?>, ProcessIndex.Entry<K, V>> members = new LinkedHashMap<>(2);
    final List<Watcher<K, V>> watchers = new ArrayList<>(0);
    /** Taken out of the index: whoever comes late tries again. */
    boolean dead;

    private volatile @Nullable List<Map.Entry<ProcessRun<?>, ProcessIndex.Entry<K, V>>> snapshot;

    boolean watched() {
        return !watchers.isEmpty();
    }

    /** True when it is a new member. */
    boolean put(ProcessRun<?> run, ProcessIndex.Entry<K, V> entry) {
        snapshot = null;
        return members.put(run, entry) == null;
    }

    ProcessIndex.@Nullable Entry<K, V> remove(ProcessRun<?> run) {
        snapshot = null;
        return members.remove(run);
    }

    /** The entries of those who live. Locks only after a change. */
    List<ProcessIndex.Entry<K, V>> entries() {
        List<Map.Entry<ProcessRun<?>, ProcessIndex.Entry<K, V>>> now = snapshot;
        if (now == null) {
            synchronized (this) {
                now = members.entrySet().stream()
                        .map(member ->
                                Map.<ProcessRun<?>, ProcessIndex.Entry<K, V>>entry(member.getKey(), member.getValue()))
                        .toList();
                snapshot = now;
            }
        }
        List<ProcessIndex.Entry<K, V>> living = new ArrayList<>(now.size());
        for (Map.Entry<ProcessRun<?>, ProcessIndex.Entry<K, V>> member : now) {
            if (member.getKey().alive()) {
                living.add(member.getValue());
            }
        }
        return living;
    }
}
