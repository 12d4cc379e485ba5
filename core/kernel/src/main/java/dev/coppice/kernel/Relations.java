package dev.coppice.kernel;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What ties a process to others and must be undone when it ends; made when the first tie is. Guarded by its monitor. */
final class Relations {
    private final ProcessRun<?> owner;
    private final Set<Watch> watches = new HashSet<>();
    private final Set<Watch> observed = new HashSet<>();
    private final Set<ProcessRun<?>> links = new HashSet<>();
    private final Set<Timers.Timer> timers = new HashSet<>();
    private final Set<Runnable> endings = new HashSet<>();
    private final Set<PendingCall<?>> calls = ConcurrentHashMap.newKeySet();
    private boolean closed;

    Relations(ProcessRun<?> owner) {
        this.owner = owner;
    }

    /** Adds a watch on the owner; it fires at once when the owner is dead. */
    void addWatch(Watch watch) {
        watch.home(this);
        synchronized (this) {
            if (!closed) {
                watches.add(watch);
                if (watch.cancelled()) {
                    watches.remove(watch);
                }
                return;
            }
        }
        watch.fire(new ExitReason.NoProcess());
    }

    synchronized void removeWatch(Watch watch) {
        watches.remove(watch);
    }

    /** Notes a watch that the owner holds on somebody else. */
    synchronized void addObserved(Watch watch) {
        if (!closed) {
            observed.add(watch);
        }
    }

    synchronized void forgetObserved(Watch watch) {
        observed.remove(watch);
    }

    /** Adds one side of a link; false when the owner is dead. */
    synchronized boolean addLink(ProcessRun<?> other) {
        if (!closed) {
            links.add(other);
        }
        return !closed;
    }

    synchronized void removeLink(ProcessRun<?> other) {
        links.remove(other);
    }

    synchronized boolean addTimer(Timers.Timer timer) {
        return !closed && timers.add(timer);
    }

    synchronized void removeTimer(Timers.Timer timer) {
        timers.remove(timer);
    }

    /** Adds an action for the end, such as giving up a registered name; false when the owner is dead. */
    synchronized boolean addEnding(Runnable ending) {
        return !closed && endings.add(ending);
    }

    synchronized void removeEnding(Runnable ending) {
        endings.remove(ending);
    }

    void addCall(PendingCall<?> call) {
        calls.add(call);
    }

    void removeCall(PendingCall<?> call) {
        calls.remove(call);
    }

    /** Fails the calls that wait for an answer of the owner. */
    void failCalls(String message, @Nullable Throwable cause) {
        for (PendingCall<?> call : calls) {
            call.fail(message, cause);
        }
        calls.clear();
    }

    /** Undoes every tie and tells the others. */
    void close(ExitReason reason) {
        List<Watch> firing;
        List<Watch> dropping;
        List<ProcessRun<?>> linked;
        List<Timers.Timer> cancelling;
        List<Runnable> ending;
        synchronized (this) {
            closed = true;
            firing = new ArrayList<>(watches);
            dropping = new ArrayList<>(observed);
            linked = new ArrayList<>(links);
            cancelling = new ArrayList<>(timers);
            ending = new ArrayList<>(endings);
            watches.clear();
            observed.clear();
            links.clear();
            timers.clear();
            endings.clear();
        }
        cancelling.forEach(Timers.Timer::cancel);
        ending.forEach(Runnable::run);
        dropping.forEach(Watch::cancel);
        firing.forEach(watch -> watch.fire(reason));
        for (ProcessRun<?> other : linked) {
            other.relations().removeLink(owner);
            other.exitSignal(owner.child.ref(), reason);
        }
    }
}
