package dev.coppice.gateway.function;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A content that functions have as their module, from when it waits to be read until nobody refers to it any more: functions, calls that wait, and instances do. What
 * was made of it is let go with the last reference, and cannot be had again. Safe for use by many threads.
 */
public final class SharedModule {
    /** What became of it. */
    enum State {
        NO_ROOM,
        LOADING,
        RUNS,
        INVALID,
        GONE
    }

    private final FunctionModules modules;
    /** By which it is known. */
    final String digest;

    final int size;

    // Guarded by modules.
    /** Null once it is read. */
    byte @Nullable [] bytes;
    /** Nothing before it was looked for room. */
    State state = State.LOADING;

    @Nullable
    FunctionModule module;

    @Nullable
    String problem;

    int references = 1;
    boolean counted;
    boolean loading;
    final List<Runnable> waiting = new ArrayList<>(1);

    /** Its first reference is the caller's. */
    SharedModule(FunctionModules modules, String digest, byte[] bytes) {
        this.modules = modules;
        this.digest = digest;
        this.size = bytes.length;
        this.bytes = bytes;
    }

    /** One that is compiled already, counts nowhere and never goes. */
    public static SharedModule of(FunctionModule module) {
        SharedModule made = new SharedModule(FunctionModules.NONE, "", new byte[0]);
        made.bytes = null;
        made.problem = module.fault();
        made.module = made.problem == null ? module : null;
        made.state = made.problem == null ? State.RUNS : State.INVALID;
        made.references = Integer.MAX_VALUE / 2;
        return made;
    }

    /** Has one more reference to it; false: it is gone. */
    boolean retain() {
        synchronized (modules) {
            if (state == State.GONE) {
                return false;
            }
            references++;
            return true;
        }
    }

    /** Lets a reference go. */
    public void release() {
        modules.release(this);
    }

    State state() {
        synchronized (modules) {
            return state;
        }
    }

    /** What runs; null: nothing does now. */
    @Nullable
    FunctionModule module() {
        synchronized (modules) {
            return module;
        }
    }

    /**
     * How a function is that has it.
     *
     * @param maxMemoryBytes that an instance may have
     * @param before whether another one goes on in its place
     */
    public FunctionReading reading(long maxMemoryBytes, boolean before) {
        State now;
        FunctionModule known;
        String wrong;
        synchronized (modules) {
            now = state;
            known = module;
            wrong = problem;
        }
        if (known != null && known.initialMemory() > maxMemoryBytes) {
            now = State.INVALID;
            wrong = "function.maxMemoryBytes: " + maxMemoryBytes + ": the module begins with " + known.initialMemory()
                    + " bytes; expected as many at least";
        }
        return new FunctionReading(
                switch (now) {
                    case NO_ROOM -> FunctionReading.State.NO_ROOM;
                    case LOADING, GONE -> FunctionReading.State.LOADING;
                    case RUNS -> FunctionReading.State.RUNS;
                    case INVALID -> FunctionReading.State.INVALID;
                },
                wrong,
                before);
    }

    /** Runs something once it is known whether it can be run: at once if that is so. */
    public void whenKnown(Runnable then) {
        synchronized (modules) {
            if (state == State.NO_ROOM || state == State.LOADING) {
                waiting.add(then);
                return;
            }
        }
        then.run();
    }
}
