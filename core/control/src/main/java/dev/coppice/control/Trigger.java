package dev.coppice.control;

import dev.coppice.control.ResourceClient.ResourceType;
import java.util.ArrayList;
import java.util.List;

/**
 * What set off a piece of work. The triggers of the work that runs now travel with it: whatever it changes through a {@link
 * ResourceClient} of this process names them in the journal. The controller runtime binds them for every reconcile; whoever
 * works on other occasions (a probe, a message) says so with {@link #call}. Immutable.
 */
public sealed interface Trigger {
    /** Of one piece of work; of more, the newest count. */
    int MOST = 4;

    /** Of the work of this thread; not bound: nobody said. */
    ScopedValue<List<Trigger>> BOUND = ScopedValue.newInstance();

    /**
     * An object changed.
     *
     * @param resourceVersion the one that the change gave it; that of its deletion when it was deleted
     */
    record Change(ResourceType type, String namespace, String name, String resourceVersion) implements Trigger {}

    /**
     * A time came that had been agreed on.
     *
     * @param owner who asked to be woken, such as a controller's name
     * @param key what about, such as {@code namespace/name}
     */
    record Timer(String owner, String key) implements Trigger {}

    /**
     * Something happened outside the API.
     *
     * @param what in words, such as {@code probe: 3 failures in a row}
     */
    record Event(String what) implements Trigger {}

    /** The triggers of the work of this thread, the oldest first; empty when nobody said. */
    static List<Trigger> current() {
        return BOUND.isBound() ? BOUND.get() : List.of();
    }

    /** Runs work that these triggers set off. */
    static <T, X extends Throwable> T call(List<Trigger> triggers, ScopedValue.CallableOp<? extends T, X> work)
            throws X {
        return ScopedValue.where(BOUND, triggers).call(work);
    }

    /** The same for work without a result. */
    static void run(List<Trigger> triggers, Runnable work) {
        ScopedValue.where(BOUND, triggers).run(work);
    }

    /** Both, without what a newer one of {@code more} says better; of too many the newest. */
    static List<Trigger> joined(List<Trigger> before, List<Trigger> more) {
        if (before.isEmpty() || more.isEmpty()) {
            return before.isEmpty() ? more : before;
        }
        List<Trigger> all = new ArrayList<>(before);
        for (Trigger each : more) {
            all.removeIf(other -> other.equals(each) || sameObject(other, each));
            all.add(each);
        }
        return List.copyOf(all.size() > MOST ? all.subList(all.size() - MOST, all.size()) : all);
    }

    private static boolean sameObject(Trigger one, Trigger other) {
        return one instanceof Change(ResourceType type, String namespace, String name, String _)
                && other instanceof Change change
                && type.equals(change.type)
                && namespace.equals(change.namespace)
                && name.equals(change.name);
    }
}
