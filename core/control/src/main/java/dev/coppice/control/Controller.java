package dev.coppice.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A reconciler with what it watches. Immutable; the with-methods copy.
 *
 * @param name in metrics, events and the supervision tree
 * @param kind what it reconciles
 * @param parallelism keys at once; one key is never reconciled twice at once
 * @param watches other types whose changes wake keys of {@code kind}
 */
public record Controller<S extends Record, T extends Record>(
        String name, Kind<S, T> kind, Reconciler<S, T> reconciler, int parallelism, List<Watched> watches) {

    /**
     * A type watched besides the reconciled kind.
     *
     * @param keys which objects a changed one concerns
     */
    public record Watched(ResourceClient.ResourceType type, Function<ObjectNode, List<Key>> keys) {}

    public static <S extends Record, T extends Record> Controller<S, T> of(
            String name, Kind<S, T> kind, Reconciler<S, T> reconciler) {
        return new Controller<>(name, kind, reconciler, 4, List.of());
    }

    public Controller<S, T> withParallelism(int parallelism) {
        return new Controller<>(name, kind, reconciler, parallelism, watches);
    }

    public Controller<S, T> watching(ResourceClient.ResourceType type, Function<ObjectNode, List<Key>> keys) {
        List<Watched> all = new ArrayList<>(watches);
        all.add(new Watched(type, keys));
        return new Controller<>(name, kind, reconciler, parallelism, List.copyOf(all));
    }
}
