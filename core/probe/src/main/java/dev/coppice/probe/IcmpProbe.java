package dev.coppice.probe;

import java.util.List;

/** Being written. */
final class IcmpProbe {
    private IcmpProbe() {}

    static ProbeRun of(
            ProbeSpec.Icmp spec,
            Dialer dialer,
            dev.coppice.kernel.Timers timers,
            List<InvalidProbeException.FieldError> errors) {
        return attempt -> {
            throw new ProbeFailure(ProbeResult.Outcome.UNSUPPORTED, "not available yet");
        };
    }
}
