package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A monitor: fires once, unless it is cancelled before. */
final class Watch implements Monitor {
    private static final System.Logger LOG = System.getLogger(Watch.class.getName());
    private static final int WAITING = 0;
    private static final int FIRED = 1;
    private static final int CANCELLED = 2;

    private final ProcessRef<?> target;
    private final Consumer<Down> action;
    private final AtomicInteger state = new AtomicInteger();
    private volatile @Nullable Relations home;
    private volatile @Nullable Relations observer;
    private volatile @Nullable Monitor abroad;

    Watch(ProcessRef<?> target, Consumer<Down> action) {
        this.target = target;
        this.action = action;
    }

    /** The relations of the process that is watched, to leave when cancelled. */
    void home(Relations relations) {
        home = relations;
    }

    /** The relations of the process that watches, to leave when over. */
    void observer(Relations relations) {
        observer = relations;
    }

    /** The watch that another node keeps, to end when cancelled. */
    void abroad(Monitor monitor) {
        abroad = monitor;
        if (cancelled()) {
            monitor.cancel();
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    void fire(ExitReason reason) {
        if (state.compareAndSet(WAITING, FIRED)) {
            Relations watcher = observer;
            if (watcher != null) {
                watcher.forgetObserved(this);
            }
            try {
                action.accept(new Down(target, reason));
            } catch (Throwable t) {
                LOG.log(Level.WARNING, "the monitor of " + target + " failed", t);
            }
        }
    }

    boolean cancelled() {
        return state.get() == CANCELLED;
    }

    @Override
    public void cancel() {
        state.set(CANCELLED);
        Relations watched = home;
        if (watched != null) {
            watched.removeWatch(this);
        }
        Relations watcher = observer;
        if (watcher != null) {
            watcher.forgetObserved(this);
        }
        Monitor other = abroad;
        if (other != null) {
            other.cancel();
        }
    }
}
