package dev.coppice.distribution;

import dev.coppice.distribution.GroupMessage.Joined;
import dev.coppice.distribution.GroupMessage.Left;
import dev.coppice.distribution.GroupMessage.Members;
import dev.coppice.distribution.GroupMessage.Membership;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Named groups of processes over all connected nodes (OTP: pg). Every node sees the members of the nodes that it is connected
 * with, a moment after they joined; nodes agree when nothing has changed for a while. A process leaves when it ends, and all
 * of a node when that is disconnected. Unlike pg, joining twice is joining once. Safe for use by many threads.
 */
public final class ClusterGroups {
    /** Memberships of one node. */
    static final int MAX_OWN = 100_000;

    /** Members in one message. */
    private static final int CHUNK = 500;

    private static final int MAX_NAME = 500;

    /** A process joined or left. */
    public record Change(String group, ProcessRef<?> process, NodeId node, boolean joined) {}

    private final Wire wire;
    private final List<Consumer<Change>> listeners = new CopyOnWriteArrayList<>();

    // Guarded by this:
    private final Map<String, Map<ProcessRef<?>, Monitor>> own = new TreeMap<>();
    private final Map<NodeId, Map<String, Set<ProcessRef<?>>>> others = new TreeMap<>();
    private final Set<NodeId> nodes = new TreeSet<>();
    private int ownCount;

    ClusterGroups(Wire wire) {
        this.wire = wire;
    }

    // ---- for users

    /**
     * Adds a process of this node to a group, which needs no making.
     *
     * @throws IllegalArgumentException when the process is dead, or lives on another node
     */
    public void join(String group, ProcessRef<?> process) {
        if (group.isEmpty() || group.length() > MAX_NAME) {
            throw new IllegalArgumentException(
                    "group: has " + group.length() + " characters: expected 1 to " + MAX_NAME);
        }
        if (!wire.home(process).equals(wire.self()) || !process.alive()) {
            throw new IllegalArgumentException("process " + process.name()
                    + ": expected a process of this node that lives; let it join where it is");
        }
        synchronized (this) {
            Map<ProcessRef<?>, Monitor> members = own.computeIfAbsent(group, _ -> new HashMap<>());
            if (members.containsKey(process)) {
                return;
            }
            if (ownCount >= MAX_OWN) {
                throw new IllegalStateException(
                        "group " + group + ": this node has " + MAX_OWN + " memberships already");
            }
            members.put(process, () -> {});
            ownCount++;
            tell(new Joined(new Membership(group, process)));
        }
        changed(group, process, wire.self(), true);
        Monitor monitor = process.monitor(_ -> leave(group, process));
        boolean kept;
        synchronized (this) {
            Map<ProcessRef<?>, Monitor> members = own.get(group);
            kept = members != null && members.replace(process, monitor) != null;
        }
        if (!kept) {
            monitor.cancel();
        }
    }

    /** Takes a process of this node out of a group; false when it was no member. */
    public boolean leave(String group, ProcessRef<?> process) {
        Monitor monitor;
        synchronized (this) {
            Map<ProcessRef<?>, Monitor> members = own.get(group);
            monitor = members == null ? null : members.remove(process);
            if (members == null || monitor == null) {
                return false;
            }
            if (members.isEmpty()) {
                own.remove(group);
            }
            ownCount--;
            tell(new Left(new Membership(group, process)));
        }
        monitor.cancel();
        changed(group, process, wire.self(), false);
        return true;
    }

    /** The members, those of this node first. The caller knows the type of their messages. */
    @SuppressWarnings("unchecked")
    public synchronized <M> List<ProcessRef<M>> members(String group) {
        List<ProcessRef<M>> found = new ArrayList<>(localMembers(group));
        others.values()
                .forEach(groups ->
                        groups.getOrDefault(group, Set.of()).forEach(each -> found.add((ProcessRef<M>) each)));
        return found;
    }

    /** The members of this node. */
    @SuppressWarnings("unchecked")
    public synchronized <M> List<ProcessRef<M>> localMembers(String group) {
        List<ProcessRef<M>> found = new ArrayList<>();
        own.getOrDefault(group, Map.of()).keySet().forEach(each -> found.add((ProcessRef<M>) each));
        return found;
    }

    /** The nodes that have members. */
    public synchronized Set<NodeId> nodes(String group) {
        Set<NodeId> found = new TreeSet<>();
        if (own.containsKey(group)) {
            found.add(wire.self());
        }
        others.forEach((node, groups) -> {
            if (groups.containsKey(group)) {
                found.add(node);
            }
        });
        return found;
    }

    /** The groups that have members. */
    public synchronized Set<String> names() {
        Set<String> found = new TreeSet<>(own.keySet());
        others.values().forEach(groups -> found.addAll(groups.keySet()));
        return found;
    }

    /** Casts to every member; gives their number. */
    public <M> int cast(String group, M message) {
        List<ProcessRef<M>> members = members(group);
        members.forEach(each -> each.cast(message));
        return members.size();
    }

    /** Tells of who joins and leaves any group from now on; the listener is short and does not block. */
    public Monitor monitor(Consumer<Change> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    // ---- nodes

    void up(NodeId node) {
        synchronized (this) {
            nodes.add(node);
            List<Membership> all = new ArrayList<>();
            own.forEach((group, members) -> members.keySet().forEach(each -> all.add(new Membership(group, each))));
            for (int from = 0; from < all.size(); from += CHUNK) {
                wire.send(node, new Members(List.copyOf(all.subList(from, Math.min(all.size(), from + CHUNK)))));
            }
        }
    }

    void down(NodeId node) {
        Map<String, Set<ProcessRef<?>>> gone;
        synchronized (this) {
            nodes.remove(node);
            gone = others.remove(node);
        }
        if (gone != null) {
            gone.forEach((group, members) -> members.forEach(each -> changed(group, each, node, false)));
        }
    }

    void received(NodeId from, GroupMessage message) {
        switch (message) {
            case Joined joined -> add(from, joined.member());
            case Left left -> remove(from, left.member());
            case Members all -> all.members().forEach(each -> add(from, each));
        }
    }

    private void add(NodeId from, Membership member) {
        synchronized (this) {
            boolean known = !wire.home(member.process()).equals(from)
                    || !nodes.contains(from)
                    || !others.computeIfAbsent(from, _ -> new HashMap<>())
                            .computeIfAbsent(member.group(), _ -> new LinkedHashSet<>())
                            .add(member.process());
            if (known) {
                return;
            }
        }
        changed(member.group(), member.process(), from, true);
    }

    private void remove(NodeId from, Membership member) {
        synchronized (this) {
            Map<String, Set<ProcessRef<?>>> groups = others.getOrDefault(from, new HashMap<>());
            Set<ProcessRef<?>> members = groups.get(member.group());
            if (members == null || !members.remove(member.process())) {
                return;
            }
            if (members.isEmpty()) {
                groups.remove(member.group());
            }
        }
        changed(member.group(), member.process(), from, false);
    }

    private void tell(GroupMessage message) {
        nodes.forEach(each -> wire.send(each, (Record) message));
    }

    private void changed(String group, ProcessRef<?> process, NodeId node, boolean joined) {
        Change change = new Change(group, process, node, joined);
        listeners.forEach(listener -> listener.accept(change));
    }

    synchronized int size() {
        return ownCount;
    }
}
