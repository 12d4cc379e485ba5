package dev.coppice.kernel;

import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Unique names of living processes. A name is given up when its process ends, so a process registers itself in its init, and
 * does so again after a restart. Safe for use by many threads.
 */
public final class Registry {
    private record Entry(ProcessRef<?> process, ProcessRun<?> run) {}

    private final ConcurrentMap<String, Entry> names = new ConcurrentHashMap<>();

    Registry() {}

    /**
     * Gives a process a name.
     *
     * @return false when another process that lives has it
     * @throws IllegalStateException when the process is not alive
     */
    public boolean register(String name, ProcessRef<?> process) {
        ProcessRun<?> run = ProcessAddress.living(process);
        Entry entry = new Entry(process, run);
        Entry before = names.putIfAbsent(name, entry);
        if (before != null) {
            return before.run == run;
        }
        if (!run.relations().addEnding(() -> names.remove(name, entry))) {
            names.remove(name, entry);
            throw new IllegalStateException(process.name() + " ended before it got the name " + name);
        }
        return true;
    }

    /** Gives a name up; false when nobody had it. The address goes on working. */
    public boolean unregister(String name) {
        return names.remove(name) != null;
    }

    /** The living process of that name. The caller knows the type of its messages. */
    @SuppressWarnings("unchecked")
    public <M> Optional<ProcessRef<M>> find(String name) {
        @Nullable Entry entry = names.get(name);
        return entry != null && entry.run.alive() ? Optional.of((ProcessRef<M>) entry.process) : Optional.empty();
    }

    /** All names in order. */
    public Set<String> names() {
        return new TreeSet<>(names.keySet());
    }
}
