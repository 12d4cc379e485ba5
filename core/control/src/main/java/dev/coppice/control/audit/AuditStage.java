package dev.coppice.control.audit;

import java.util.Optional;

/** How far a request has come when an event is recorded (audit.k8s.io/v1). */
public enum AuditStage {
    /** It came, and nothing was done yet. */
    REQUEST_RECEIVED("RequestReceived"),
    /** The head of an answer without an end was sent: watches. */
    RESPONSE_STARTED("ResponseStarted"),
    /** The answer was sent. */
    RESPONSE_COMPLETE("ResponseComplete"),
    /** It failed in a way that nobody foresaw. */
    PANIC("Panic");

    private final String text;

    AuditStage(String text) {
        this.text = text;
    }

    /** As it is written in policies and events. */
    public String text() {
        return text;
    }

    static Optional<AuditStage> of(String text) {
        for (AuditStage stage : values()) {
            if (stage.text.equals(text)) {
                return Optional.of(stage);
            }
        }
        return Optional.empty();
    }
}
