package dev.coppice.schema.apply;

/** An applied configuration, or a live object, that does not fit its schema. Kubernetes answers with its plain message. */
public final class ApplyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean badRequest;

    ApplyException(boolean badRequest, String message) {
        super(message);
        this.badRequest = badRequest;
    }

    /** True for 400 BadRequest; else Kubernetes answers 500 with the message. */
    public boolean badRequest() {
        return badRequest;
    }
}
