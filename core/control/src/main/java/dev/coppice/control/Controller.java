package dev.coppice.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A reconciler with what it watches. Immutable; the with-methods copy.
 *
 * @param name in metrics, events and the supervision tree
 * @param kind what it reconciles
 * @param parallelism keys at once; one key is never reconciled twice at once
 * @param watches other types whose changes wake keys of {@code kind}
 * @param wakers each is told at the start how to wake keys
 */
public record Controller<S extends Record, T extends Record>(
        String name,
        Kind<S, T> kind,
        Reconciler<S, T> reconciler,
        int parallelism,
        List<Watched> watches,
        List<Consumer<Consumer<Key>>> wakers) {

    /**
     * A type watched besides the reconciled kind.
     *
     * @param keys which objects a changed one concerns
     */
    public record Watched(ResourceClient.ResourceType type, Function<ObjectNode, List<Key>> keys) {}

    public static <S extends Record, T extends Record> Controller<S, T> of(
            String name, Kind<S, T> kind, Reconciler<S, T> reconciler) {
        return new Controller<>(name, kind, reconciler, 4, List.of(), List.of());
    }

    public Controller<S, T> withParallelism(int parallelism) {
        return new Controller<>(name, kind, reconciler, parallelism, watches, wakers);
    }

    public Controller<S, T> watching(ResourceClient.ResourceType type, Function<ObjectNode, List<Key>> keys) {
        List<Watched> all = new ArrayList<>(watches);
        all.add(new Watched(type, keys));
        return new Controller<>(name, kind, reconciler, parallelism, List.copyOf(all), wakers);
    }

    /**
     * Lets something else than changes of objects wake keys.
     *
     * @param waker is given what wakes a key, when the controller starts; it may be called by any thread, and waits only when
     *     half a million keys wait
     */
    public Controller<S, T> wokenBy(Consumer<Consumer<Key>> waker) {
        List<Consumer<Consumer<Key>>> all = new ArrayList<>(wakers);
        all.add(waker);
        return new Controller<>(name, kind, reconciler, parallelism, watches, List.copyOf(all));
    }
}
