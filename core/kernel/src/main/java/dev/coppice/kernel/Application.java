package dev.coppice.kernel;

import java.util.List;

/**
 * A part of a program that is started and stopped as a whole, after what it depends on and before what depends on it (OTP:
 * application). {@link Applications} calls it in this order: {@link #tree}, {@link #startPhase} for each phase, and then,
 * when it ends, {@link #prepareStop}, the end of the tree, {@link #stop}.
 */
public interface Application {

    /** Unique in a kernel; a part of its path, {@code /applications/NAME}. */
    String name();

    /** The names of the applications that have to run before it. */
    default List<String> dependencies() {
        return List.of();
    }

    /**
     * What it runs, usually a supervisor. It is not restarted: when it ends by itself, a supervisor by giving up, the
     * application has ended.
     */
    ChildSpec tree(Kernel kernel) throws Exception;

    /** The start phases that it takes part in, in order. */
    default List<String> startPhases() {
        return List.of();
    }

    /**
     * Does its part of a phase. All applications that are started together run, and have done every earlier phase, by
     * then.
     */
    default void startPhase(String phase, Kernel kernel) throws Exception {}

    /** Its tree still runs, and is stopped next: time to take no more work. Not called when its start failed. Within 10 seconds. */
    default void prepareStop(Kernel kernel) throws Exception {}

    /** Its tree, which had started, has ended: time to clean up. Within 10 seconds. */
    default void stop(Kernel kernel) throws Exception {}
}
