package dev.coppice.store.engine;

import java.util.function.Function;

/**
 * A moment of the state that is kept for many short reads, such as those of a long copy to a slow receiver. It does not keep
 * the database open: when that is closed, the next read fails. Used by one thread.
 */
public final class Pin implements AutoCloseable {

    private final Machine machine;
    private final View view;
    private final long term;
    private boolean released;

    Pin(Machine machine, View view) {
        this.machine = machine;
        this.view = view;
        this.term = machine.term();
    }

    /** The term when it was made. */
    long term() {
        return term;
    }

    Machine machine() {
        return machine;
    }

    /** @throws dev.coppice.store.StoreException {@code UNAVAILABLE} when the database was closed meanwhile */
    <T> T read(Function<View, T> reader) {
        return machine.direct(() -> {
            if (released) {
                throw Errors.stopped();
            }
            return reader.apply(view);
        });
    }

    /** Gives the moment up; by the machine only, while the database is open. */
    void release() {
        if (!released) {
            released = true;
            view.close();
        }
    }

    @Override
    public void close() {
        machine.unpin(this);
    }
}
