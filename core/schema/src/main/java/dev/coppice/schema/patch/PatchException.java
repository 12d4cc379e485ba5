package dev.coppice.schema.patch;

/** A patch that is malformed or does not fit the document. Its message is fit for a user. */
public final class PatchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** How a server should answer. */
    public enum Kind {
        /** The patch itself is malformed: 400 BadRequest. */
        MALFORMED,
        /** The patch is well-formed, but does not fit this document (such as by a missing path): 422 Invalid. */
        UNPROCESSABLE,
        /** A test of the patch failed: 422 Invalid. */
        TEST_FAILED
    }

    private final Kind kind;

    public PatchException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
