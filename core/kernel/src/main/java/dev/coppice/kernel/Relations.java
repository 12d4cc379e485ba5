package dev.coppice.kernel;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What ties a process to others and must be undone when it ends, and what few processes have; made when first needed.
 * Guarded by its monitor, except where a field says otherwise.
 */
final class Relations {
    /** Where senders wait for room in the mailbox. Guarded by its own monitor; {@code waiting} is read without it. */
    static final class Gate {
        volatile int waiting;
    }

    final Gate gate = new Gate();
    final PendingCalls calls = new PendingCalls();
    volatile @Nullable Tracer tracer;

    /** Written by the process's own thread. */
    volatile @Nullable Function<ExitSignal, ?> trap;

    // Of the process's own thread only:
    @Nullable
    Object continuation;

    boolean suspended;
    boolean leaving;

    private final MailRun<?> owner;
    private @Nullable Set<Watch> watches;
    private @Nullable Set<Watch> observed;
    private @Nullable Set<MailRun<?>> links;
    /** The head of a list through the timers themselves: a process may have a million. */
    private @Nullable MailTimer<?> timers;
    /** Mail of timers that fall due together, newest first; of the thread that fires them only. */
    MailRun.@Nullable Node due;

    private @Nullable Set<Runnable> endings;
    private boolean closed;

    Relations(MailRun<?> owner) {
        this.owner = owner;
    }

    private static <T> Set<T> with(@Nullable Set<T> set, T item) {
        Set<T> made = set == null ? new HashSet<>(4) : set;
        made.add(item);
        return made;
    }

    private static <T> List<T> copy(@Nullable Set<T> set) {
        return set == null ? List.of() : new ArrayList<>(set);
    }

    /** Adds a watch on the owner; it fires at once when the owner is dead. */
    void addWatch(Watch watch) {
        watch.home(this);
        synchronized (this) {
            if (!closed) {
                if (!watch.cancelled()) {
                    watches = with(watches, watch);
                }
                return;
            }
        }
        watch.fire(new ExitReason.NoProcess());
    }

    synchronized void removeWatch(Watch watch) {
        if (watches != null) {
            watches.remove(watch);
        }
    }

    /** Notes a watch that the owner holds on somebody else. */
    synchronized void addObserved(Watch watch) {
        if (!closed) {
            observed = with(observed, watch);
        }
    }

    synchronized void forgetObserved(Watch watch) {
        if (observed != null) {
            observed.remove(watch);
        }
    }

    /** Adds one side of a link; false when the owner is dead. */
    synchronized boolean addLink(MailRun<?> other) {
        if (!closed) {
            links = with(links, other);
        }
        return !closed;
    }

    synchronized void removeLink(MailRun<?> other) {
        if (links != null) {
            links.remove(other);
        }
    }

    /** Notes a timer that dies with the owner; false when the owner is dead. */
    synchronized boolean addTimer(MailTimer<?> timer) {
        if (closed) {
            return false;
        }
        MailTimer<?> head = timers;
        timer.after = head;
        if (head != null) {
            head.before = timer;
        }
        timers = timer;
        timer.linked = true;
        return true;
    }

    synchronized void removeTimer(MailTimer<?> timer) {
        if (!timer.linked) {
            return;
        }
        if (timer.before == null) {
            timers = timer.after;
        } else {
            timer.before.after = timer.after;
        }
        if (timer.after != null) {
            timer.after.before = timer.before;
        }
        timer.before = null;
        timer.after = null;
        timer.linked = false;
    }

    /** Adds an action for the end, such as giving up a registered name; false when the owner is dead. */
    synchronized boolean addEnding(Runnable ending) {
        if (!closed) {
            endings = with(endings, ending);
        }
        return !closed;
    }

    synchronized void removeEnding(Runnable ending) {
        if (endings != null) {
            endings.remove(ending);
        }
    }

    synchronized int endings() {
        return endings == null ? 0 : endings.size();
    }

    synchronized int linked() {
        return links == null ? 0 : links.size();
    }

    synchronized int watched() {
        return watches == null ? 0 : watches.size();
    }

    /** Undoes every tie, gives up its names first, and tells the others; {@code failure} is for those who wait for an answer. */
    void close(ExitReason reason, String failure) {
        List<Watch> firing;
        List<Watch> dropping;
        List<MailRun<?>> linked;
        List<Timers.Timer> cancelling = new ArrayList<>();
        List<Runnable> ending;
        synchronized (this) {
            closed = true;
            firing = copy(watches);
            dropping = copy(observed);
            linked = copy(links);
            for (MailTimer<?> timer = timers; timer != null; timer = timer.after) {
                cancelling.add(timer);
            }
            ending = copy(endings);
            watches = null;
            observed = null;
            links = null;
            endings = null;
        }
        cancelling.forEach(Timers.Timer::cancel);
        ending.forEach(Runnable::run);
        calls.fail(failure, reason instanceof ExitReason.Crash crash ? crash.cause() : null);
        dropping.forEach(Watch::cancel);
        firing.forEach(watch -> watch.fire(reason));
        for (MailRun<?> other : linked) {
            other.relations().removeLink(owner);
            other.exitSignal(owner.child.ref(), reason);
        }
    }
}
