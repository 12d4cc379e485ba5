package dev.coppice.kernel;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Named groups of processes (OTP: pg). A process leaves its groups when it ends. Safe for use by many threads. */
public final class ProcessGroups {
    /** A group's members in order of joining, each with the action that leaves for it. */
    private final Map<String, Map<ProcessRun<?>, Member>> groups = new TreeMap<>();

    private record Member(ProcessRef<?> process, Runnable ending) {}

    ProcessGroups() {}

    /**
     * Joins a group, which needs no making. Joining twice is joining once.
     *
     * @throws IllegalStateException when the process is not alive
     */
    public void join(String group, ProcessRef<?> process) {
        ProcessRun<?> run = ProcessAddress.living(process);
        Member member = new Member(process, () -> remove(group, run));
        synchronized (this) {
            Map<ProcessRun<?>, Member> members = groups.computeIfAbsent(group, g -> new LinkedHashMap<>());
            if (members.putIfAbsent(run, member) != null) {
                return;
            }
        }
        if (!run.relations().addEnding(member.ending)) {
            remove(group, run);
            throw new IllegalStateException(process.name() + " ended before it joined " + group);
        }
    }

    /** Leaves a group; false when it was no member. */
    public boolean leave(String group, ProcessRef<?> process) {
        if (!(process instanceof ProcessAddress<?> address) || !(address.run() instanceof ProcessRun<?> run)) {
            return false;
        }
        Member member = remove(group, run);
        if (member == null) {
            return false;
        }
        run.relations().removeEnding(member.ending);
        return true;
    }

    private synchronized @Nullable Member remove(String group, ProcessRun<?> run) {
        Map<ProcessRun<?>, Member> members = groups.get(group);
        if (members == null) {
            return null;
        }
        Member member = members.remove(run);
        if (members.isEmpty()) {
            groups.remove(group);
        }
        return member;
    }

    /** The members that live, in order of joining. The caller knows the type of their messages. */
    @SuppressWarnings("unchecked")
    public synchronized <M> List<ProcessRef<M>> members(String group) {
        return groups.getOrDefault(group, Map.of()).values().stream()
                .map(member -> (ProcessRef<M>) member.process)
                .toList();
    }

    /** Casts to every member; gives their number. */
    public <M> int cast(String group, M message) {
        List<ProcessRef<M>> members = members(group);
        members.forEach(member -> member.cast(message));
        return members.size();
    }

    /** The groups that have members. */
    public synchronized Set<String> names() {
        return new TreeSet<>(groups.keySet());
    }
}
