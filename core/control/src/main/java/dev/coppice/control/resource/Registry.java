package dev.coppice.control.resource;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** All types that are served, built-in and custom. Snapshots are immutable; safe for use by many threads. */
public final class Registry {

    /** The types at one moment. */
    public record Snapshot(long generation, Map<String, Definition> byPath, Map<String, Definition> byKind) {
        public @Nullable Definition find(String group, String version, String plural) {
            return byPath.get(group + "/" + version + "/" + plural);
        }

        public @Nullable Definition kind(String apiVersion, String kind) {
            return byKind.get(apiVersion + "/" + kind);
        }

        public Collection<Definition> all() {
            return byPath.values();
        }

        /** The versions of a group, best first; empty when there is no such group. */
        public List<String> versions(String group) {
            List<String> versions = new ArrayList<>();
            for (Definition d : byPath.values()) {
                if (d.group().equals(group) && !versions.contains(d.version())) {
                    versions.add(d.version());
                }
            }
            versions.sort(Versions.BEST_FIRST);
            return versions;
        }

        public List<Definition> of(String group, String version) {
            return byPath.values().stream()
                    .filter(d -> d.group().equals(group) && d.version().equals(version))
                    .toList();
        }
    }

    private final AtomicLong generations = new AtomicLong(1);
    private final Map<String, List<Definition>> sets = new LinkedHashMap<>();
    private final List<Consumer<Snapshot>> observers = new CopyOnWriteArrayList<>();
    private volatile Snapshot snapshot = new Snapshot(0, Map.of(), Map.of());

    public Snapshot snapshot() {
        return snapshot;
    }

    /** What ends an observation. Thread-safe; a change that is under way may still be told after it. */
    public interface Observation extends AutoCloseable {
        @Override
        void close();
    }

    /** Calls the observer after every change with the new state, in the thread that made it, until the result is closed. */
    public Observation observe(Consumer<Snapshot> observer) {
        Consumer<Snapshot> own = observer::accept; // so that the same observer may be added twice
        observers.add(own);
        return () -> observers.remove(own);
    }

    /** Replaces the set of definitions of that name (a CRD's, or the built-ins); an empty list removes it. */
    public synchronized void put(String set, List<Definition> definitions) {
        if (definitions.isEmpty()) {
            sets.remove(set);
        } else {
            sets.put(set, List.copyOf(definitions));
        }
        publish();
    }

    private void publish() {
        Map<String, Definition> byPath = new LinkedHashMap<>();
        Map<String, Definition> byKind = new LinkedHashMap<>();
        for (List<Definition> all : sets.values()) {
            for (Definition d : all) {
                byPath.put(d.group() + "/" + d.version() + "/" + d.plural(), d);
                byKind.putIfAbsent(d.apiVersion() + "/" + d.kind(), d);
            }
        }
        snapshot = new Snapshot(
                generations.incrementAndGet(),
                Collections.unmodifiableMap(byPath),
                Collections.unmodifiableMap(byKind));
        observers.forEach(o -> o.accept(snapshot));
    }

    /** A registry of its own with the same types, each changed by a function. */
    public synchronized Registry copy(UnaryOperator<Definition> change) {
        Registry copy = new Registry();
        sets.forEach((name, definitions) ->
                copy.sets.put(name, definitions.stream().map(change).toList()));
        copy.publish();
        return copy;
    }

    public @Nullable Definition find(String group, String version, String plural) {
        return snapshot.find(group, version, plural);
    }

    /** One definition of a stored type, in whatever version, by group and plural. */
    public @Nullable Definition any(String group, String plural) {
        Snapshot s = snapshot;
        for (String version : s.versions(group)) {
            Definition d = s.find(group, version, plural);
            if (d != null) {
                return d;
            }
        }
        return null;
    }
}
