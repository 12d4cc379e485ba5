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
 * Named groups of processes, each member with properties (OTP: pg; Elixir: Registry with duplicate keys). A process leaves
 * its groups when it ends. Unlike pg, joining twice is joining once. Groups of another type make a
 * {@link ProcessIndex}. Safe for use by many threads.
 */
public final class ProcessGroups {
    private final ProcessIndex<String, Map<String, Object>> groups = ProcessIndex.shared();

    ProcessGroups() {}

    /**
     * Joins a group, which needs no making.
     *
     * @throws IllegalStateException when the process is not alive
     */
    public void join(String group, ProcessRef<?> process) {
        join(group, process, Map.of());
    }

    /** The same with properties; a member gets the new ones. */
    public void join(String group, ProcessRef<?> process, Map<String, Object> properties) {
        groups.register(group, process, Map.copyOf(properties));
    }

    /** Leaves a group; false when it was no member. */
    public boolean leave(String group, ProcessRef<?> process) {
        return groups.unregister(group, process);
    }

    /** The members that live, in order of joining. The caller knows the type of their messages. */
    public <M> List<ProcessRef<M>> members(String group) {
        return groups.lookup(group).stream().map(ProcessIndex.Entry::<M>ref).toList();
    }

    /** The members whose properties match, in order of joining. */
    public <M> List<ProcessRef<M>> members(String group, Predicate<? super Map<String, Object>> properties) {
        return groups.lookup(group).stream()
                .filter(entry -> properties.test(entry.value()))
                .map(ProcessIndex.Entry::<M>ref)
                .toList();
    }

    /** The properties that a process has in a group; empty when it is no member. */
    public Optional<Map<String, Object>> properties(String group, ProcessRef<?> process) {
        return groups.lookup(group).stream()
                .filter(entry -> entry.process().equals(process))
                .findFirst()
                .map(ProcessIndex.Entry::value);
    }

    /** Replaces the properties of a member, atomically; empty when it is none. */
    public Optional<Map<String, Object>> update(
            String group, ProcessRef<?> process, UnaryOperator<Map<String, Object>> function) {
        return groups.update(group, process, old -> Map.copyOf(function.apply(old)));
    }

    /** Casts to every member; gives their number. */
    public <M> int cast(String group, M message) {
        return groups.dispatch(group, entry -> entry.<M>ref().cast(message));
    }

    /** The groups of a process. */
    public List<String> groups(ProcessRef<?> process) {
        return groups.keys(process);
    }

    /** The groups that have members. */
    public Set<String> names() {
        return new TreeSet<>(groups.keys());
    }

    /** Tells of who joins and leaves a group; see {@link ProcessIndex#monitor(Object, Consumer)}. */
    public Monitor monitor(String group, Consumer<? super ProcessIndex.Change<String, Map<String, Object>>> listener) {
        return groups.monitor(group, listener);
    }

    /** Tells of who joins and leaves any group from now on. */
    public Monitor monitor(Consumer<? super ProcessIndex.Change<String, Map<String, Object>>> listener) {
        return groups.monitor(listener);
    }

    int size() {
        return groups.size();
    }

    boolean isClean() {
        return groups.isClean();
    }
}
