package dev.coppice.control;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** A request that the resource API refused; carries the Kubernetes Status it answers with. */
public final class ApiException extends RuntimeException {
    private final int code;
    private final String reason;
    private final transient ObjectNode status;

    /** {@code status} is a whole {@code v1 Status}. */
    public ApiException(ObjectNode status) {
        super(status.path("message").asText());
        this.code = status.path("code").asInt(500);
        this.reason = status.path("reason").asText("");
        this.status = status;
    }

    /** The HTTP status code. */
    public int code() {
        return code;
    }

    /** The machine-readable reason, such as {@code NotFound} or {@code Conflict}. */
    public String reason() {
        return reason;
    }

    public ObjectNode status() {
        return status;
    }
}
