package dev.coppice.control.history;

import dev.coppice.control.Trigger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One change in the journal.
 *
 * @param id its place in time; the newer, the smaller as text
 * @param revision the resourceVersion that the change gave the object; that of its deletion
 * @param previous the resourceVersion before; 0 for one that was created
 * @param timeMillis since 1970
 * @param operation what happened to the object
 * @param verb what was asked for: create, update, patch, apply or delete
 * @param subject which object
 * @param subresource empty for the object itself
 * @param author who asked
 * @param triggers what set off the work that asked; empty when nothing did but the author
 * @param fields the paths of what changed, as far as they were kept
 * @param difference what changed; null when it was too large, or cannot be opened any more
 */
public record Entry(
        String id,
        long revision,
        long previous,
        long timeMillis,
        Operation operation,
        String verb,
        Subject subject,
        String subresource,
        Author author,
        List<Trigger> triggers,
        List<String> fields,
        @Nullable Difference difference) {

    /** What happens to an object. */
    public enum Operation {
        CREATED,
        UPDATED,
        DELETED
    }

    /**
     * An object.
     *
     * @param storageKey where the store has it
     * @param secret whether its contents are not to be shown
     */
    public record Subject(
            String storageKey,
            String group,
            String version,
            String plural,
            String kind,
            String namespace,
            String name,
            String uid,
            boolean secret) {}

    /**
     * Who asked for a change.
     *
     * @param agent the client's name for itself
     * @param manager the field manager
     * @param requestId empty for a part of this process
     */
    public record Author(String user, String agent, String manager, String requestId) {}

    /** Whether nothing changed but the status, which controllers write. */
    public boolean statusOnly() {
        return operation == Operation.UPDATED
                && !fields.isEmpty()
                && fields.stream().allMatch(f -> f.equals("status") || f.startsWith("status."));
    }
}
