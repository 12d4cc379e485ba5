package dev.coppice.probe;

/** Ends a probe with a failure in words for the user. Carries no stack trace: it tells of the target, not of this code. */
final class ProbeFailure extends Exception {
    private static final long serialVersionUID = 1;
    private final ProbeResult.Outcome outcome;

    ProbeFailure(ProbeResult.Outcome outcome, String reason) {
        super(reason, null, false, false);
        this.outcome = outcome;
    }

    ProbeResult.Outcome outcome() {
        return outcome;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
