package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.resource.Definition;
import org.jspecify.annotations.Nullable;

/** Keeps metadata.managedFields, and merges server-side applies. Safe for use by many threads. */
public interface FieldManagement {

    /** The live object with a configuration applied by a manager; throws 409 on conflicts unless forced. */
    ObjectNode apply(
            Definition definition,
            @Nullable ObjectNode live,
            ObjectNode configuration,
            String manager,
            String subresource,
            boolean force,
            String time);

    /** Records, in {@code updated}, which fields a manager has changed by a create or update. */
    void track(
            Definition definition,
            @Nullable ObjectNode live,
            ObjectNode updated,
            String manager,
            String subresource,
            String time);
}
