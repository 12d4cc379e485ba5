package dev.coppice.control.engine;

/**
 * How to delete.
 *
 * @param propagation Background, Foreground or Orphan; empty for the default
 * @param uid precondition; empty for none
 * @param resourceVersion precondition; empty for none
 */
public record DeleteOptions(boolean dryRun, String propagation, String uid, String resourceVersion) {
    public static final DeleteOptions DEFAULT = new DeleteOptions(false, "", "", "");

    public DeleteOptions withPropagation(String policy) {
        return new DeleteOptions(dryRun, policy, uid, resourceVersion);
    }
}
