package dev.coppice.probe;

import java.util.List;

/** Being written. */
final class PostgresProbe {
    private PostgresProbe() {}

    static ProbeRun of(
            ProbeSpec.Postgres spec,
            Dialer dialer,
            dev.coppice.kernel.Kernel kernel,
            List<InvalidProbeException.FieldError> errors) {
        return attempt -> {
            throw new ProbeFailure(ProbeResult.Outcome.UNSUPPORTED, "not available yet");
        };
    }
}
