package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Shakes hands and judges the certificate: chain, name and how long it lasts. All that is wrong is told at once. */
final class TlsProbe implements ProbeRun {
    private final ProbeSpec.Tls spec;
    private final Dialer dialer;
    private final TlsClient tls;

    private TlsProbe(ProbeSpec.Tls spec, Dialer dialer, TlsClient tls) {
        this.spec = spec;
        this.dialer = dialer;
        this.tls = tls;
    }

    static TlsProbe of(ProbeSpec.Tls spec, Dialer dialer, List<FieldError> errors) {
        SpecRules.host(spec.host(), errors);
        SpecRules.port(spec.port(), errors);
        if (spec.minimumValidity().isNegative()) {
            errors.add(new FieldError("minimumValidity", "expected 0 or more, not " + spec.minimumValidity()));
        }
        return new TlsProbe(spec, dialer, TlsClient.of(spec.tls(), "tls", errors));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        try (var plain = dialer.connect(attempt, spec.host(), spec.port(), spec.family());
                var secure = tls.handshake(attempt, plain, spec.host(), spec.port(), false)) {
            attempt.step(Attempt.Step.READING);
            attempt.guard(secure);
        }
        var facts = attempt.tls;
        if (facts == null) {
            throw new ProbeFailure(Outcome.TLS_FAILED, "the server showed no certificate");
        }
        var problems = new ArrayList<String>();
        if (facts.verificationError() != null) {
            problems.add("the certificate does not verify: " + facts.verificationError());
        }
        var expiry = facts.earliestExpiry();
        if (expiry != null) {
            var left = Duration.between(attempt.now(), expiry);
            if (left.isNegative()) {
                problems.add("a certificate expired at " + expiry);
            } else if (left.compareTo(spec.minimumValidity()) < 0) {
                problems.add("a certificate expires at " + expiry + ", in " + days(left) + ", less than "
                        + days(spec.minimumValidity()));
            }
        }
        if (!problems.isEmpty()) {
            throw new ProbeFailure(
                    facts.verificationError() != null ? Outcome.TLS_FAILED : Outcome.UNEXPECTED,
                    String.join("; ", problems));
        }
    }

    private static String days(Duration duration) {
        return duration.toDays() >= 2 ? duration.toDays() + " days" : duration.toHours() + " hours";
    }
}
