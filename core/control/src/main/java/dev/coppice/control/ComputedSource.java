package dev.coppice.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the objects of a read-only kind come from that nobody stores: they are made when somebody asks, such as what runs in
 * this node. Clients get and list them, with selectors, pages, tables and {@code kubectl explain} as for any other kind;
 * writes and watches are refused. Who may ask is decided before (RBAC, as for any other kind). Safe for many threads.
 *
 * <p>Objects have {@code metadata} (name, namespace, labels, creationTimestamp), {@code spec} and {@code status}; the API
 * fills in the rest. They have no resourceVersion.
 */
public interface ComputedSource {

    /** One object; empty when there is none of that name. May say more than a list does. */
    Optional<ObjectNode> get(String namespace, String name);

    /**
     * What there is now, in any order; bounded.
     *
     * @param namespace empty for all
     */
    Listing list(String namespace);

    /** Fields that selectors may name besides metadata.name and metadata.namespace, such as {@code spec.path}. */
    default Set<String> selectableFields() {
        return Set.of();
    }

    /** Parts of an object with a path, verbs and rights of their own. */
    default List<Part> parts() {
        return List.of();
    }

    /**
     * What a list found.
     *
     * @param warnings for the client to show, such as that something was left out
     */
    record Listing(List<Entry> entries, List<String> warnings) {}

    /**
     * An object that a list found; made only when it is in the part that is asked for.
     *
     * @param object gives null when it is gone by then
     */
    record Entry(String namespace, String name, Supplier<@Nullable ObjectNode> object) {}

    /**
     * A part such as {@code processes/NAME/trace}, with something to do for each of its verbs. Errors are
     * {@link ApiException}s.
     *
     * @param name as in the path
     * @param kind of what it answers
     * @param verbs of {@code create} (POST), {@code get}, {@code update} (PUT) and {@code delete}
     */
    record Part(String name, String kind, List<String> verbs, Action action) {}

    /** Does what a verb of a part asks for. */
    @FunctionalInterface
    interface Action {
        /**
         * Does it.
         *
         * @param name of the object
         * @param body empty when none was sent
         */
        ObjectNode run(String verb, String namespace, String name, ObjectNode body);
    }
}
