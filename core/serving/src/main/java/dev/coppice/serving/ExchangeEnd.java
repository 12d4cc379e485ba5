package dev.coppice.serving;

import java.util.ArrayList;
import java.util.List;

/** The end of an exchange, from its client's side or the listener's, and what is to happen then. Safe for use by many threads. */
final class ExchangeEnd {
    private final List<Runnable> actions = new ArrayList<>(1);
    private boolean reached;
    private boolean awaited;

    synchronized boolean reached() {
        return reached;
    }

    /** Whether somebody asked to be told. */
    synchronized boolean awaited() {
        return awaited;
    }

    /** Runs an action once the end is reached, or now when it was. */
    void then(Runnable action) {
        synchronized (this) {
            if (!reached) {
                awaited = true;
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /** Runs the actions, on the calling thread; the first time only. One that fails is logged. */
    void reach(String path) {
        List<Runnable> due;
        synchronized (this) {
            reached = true;
            due = List.copyOf(actions);
            actions.clear();
        }
        for (Runnable action : due) {
            try {
                action.run();
            } catch (RuntimeException e) {
                RequestRunner.LOG.log(System.Logger.Level.WARNING, "a close action of " + path + " failed", e);
            }
        }
    }
}
