package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Cause;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is special about a type beyond its schema. Implementations have no state. */
public interface Strategy {

    /** A type about which nothing is special. */
    Strategy PLAIN = new Strategy() {};

    /** Fills in what clients may leave out; runs on every object that comes in. */
    default void defaults(ObjectNode object) {}

    /** Sets what only the server sets, before an object is created. */
    default void prepareCreate(ObjectNode object) {}

    /** Restores what an update may not touch. */
    default void prepareUpdate(ObjectNode object, ObjectNode old) {}

    default List<Cause> validate(ObjectNode object) {
        return List.of();
    }

    /**
     * What is wrong with an object, wherever that may depend on what it replaces.
     *
     * @param old what it replaces; null when it is created
     */
    default List<Cause> validate(ObjectNode object, @Nullable ObjectNode old) {
        return validate(object);
    }

    default List<Cause> validateUpdate(ObjectNode object, ObjectNode old) {
        return List.of();
    }

    /** Whether an update without a resourceVersion is taken. */
    default boolean unconditionalUpdate() {
        return true;
    }

    /** Whether a PUT of a name that is not there creates it. */
    default boolean createOnUpdate() {
        return false;
    }

    /** Whether metadata.generation counts changes of what is wanted. */
    default boolean generation() {
        return false;
    }
}
