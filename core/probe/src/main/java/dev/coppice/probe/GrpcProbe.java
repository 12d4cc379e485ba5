package dev.coppice.probe;

import java.util.List;

/** Being written. */
final class GrpcProbe {
    private GrpcProbe() {}

    static ProbeRun of(ProbeSpec.Grpc spec, Dialer dialer, List<InvalidProbeException.FieldError> errors) {
        return attempt -> {
            throw new ProbeFailure(ProbeResult.Outcome.UNSUPPORTED, "not available yet");
        };
    }
}
