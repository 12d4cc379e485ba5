package dev.coppice.kernel;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Unique names of living processes, each with properties (Elixir: Registry with unique keys). A name is given up when its
 * process ends, so a process registers itself in its init, and does so again after a restart. Names of another type, or
 * with values of a type of their own, make a {@link ProcessIndex}. Safe for use by many threads.
 */
public final class Registry {
    private final ProcessIndex<String, Map<String, Object>> names = ProcessIndex.unique();

    Registry() {}

    /**
     * Gives a process a name.
     *
     * @return false when another process that lives has it
     * @throws IllegalStateException when the process is not alive
     */
    public boolean register(String name, ProcessRef<?> process) {
        return register(name, process, Map.of());
    }

    /** The same with properties; when the process has the name already it gets the new ones. */
    public boolean register(String name, ProcessRef<?> process, Map<String, Object> properties) {
        return names.register(name, process, Map.copyOf(properties));
    }

    /** Gives a name up; false when nobody had it. The address goes on working. */
    public boolean unregister(String name) {
        return names.unregister(name) > 0;
    }

    /** The living process of that name. The caller knows the type of its messages. */
    public <M> Optional<ProcessRef<M>> find(String name) {
        return names.find(name).map(ProcessIndex.Entry::<M>ref);
    }

    /** An address of whoever has the name at the time of use; while nobody has, it is that of a dead process. */
    public <M> ProcessRef<M> via(String name) {
        return names.via(name);
    }

    /** The properties of the living process of that name. */
    public Optional<Map<String, Object>> properties(String name) {
        return names.find(name).map(ProcessIndex.Entry::value);
    }

    /** Replaces the properties of a name, atomically; empty when nobody has it. */
    public Optional<Map<String, Object>> update(String name, UnaryOperator<Map<String, Object>> function) {
        return names.find(name)
                .flatMap(entry -> names.update(name, entry.process(), old -> Map.copyOf(function.apply(old))));
    }

    /** The entries that match. */
    public List<ProcessIndex.Entry<String, Map<String, Object>>> select(
            Predicate<? super ProcessIndex.Entry<String, Map<String, Object>>> predicate) {
        return names.select(predicate);
    }

    /** The names of a process. */
    public List<String> names(ProcessRef<?> process) {
        return names.keys(process);
    }

    /** All names in order. */
    public Set<String> names() {
        return new TreeSet<>(names.keys());
    }

    /** Tells of who gets and gives up a name; see {@link ProcessIndex#monitor(Object, Consumer)}. */
    public Monitor monitor(String name, Consumer<? super ProcessIndex.Change<String, Map<String, Object>>> listener) {
        return names.monitor(name, listener);
    }

    int size() {
        return names.size();
    }

    boolean isClean() {
        return names.isClean();
    }
}
