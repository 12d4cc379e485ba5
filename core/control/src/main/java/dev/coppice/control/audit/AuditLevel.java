package dev.coppice.control.audit;

import java.util.Optional;

/** How much of a request is recorded (audit.k8s.io/v1), each level with all of those before it. */
public enum AuditLevel {
    NONE("None"),
    METADATA("Metadata"),
    REQUEST("Request"),
    REQUEST_RESPONSE("RequestResponse");

    private final String text;

    AuditLevel(String text) {
        this.text = text;
    }

    /** As it is written in policies and events. */
    public String text() {
        return text;
    }

    boolean atLeast(AuditLevel other) {
        return compareTo(other) >= 0;
    }

    static Optional<AuditLevel> of(String text) {
        for (AuditLevel level : values()) {
            if (level.text.equals(text)) {
                return Optional.of(level);
            }
        }
        return Optional.empty();
    }
}
