package dev.coppice.probe;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Connects and talks line by line. */
final class TcpProbe implements ProbeRun {
    private static final int STEPS_MAX = 100;
    private static final int LINE_MAX = 16 << 10;
    private static final int LINES_MAX = 10_000;

    private record CompiledStep(
            @Nullable Pattern expect, @Nullable String send, boolean startTls) {}

    private final ProbeSpec.Tcp spec;
    private final Dialer dialer;
    private final @Nullable TlsClient tls;
    private final TlsClient startTls;
    private final List<CompiledStep> steps;

    private TcpProbe(
            ProbeSpec.Tcp spec, Dialer dialer, @Nullable TlsClient tls, TlsClient startTls, List<CompiledStep> steps) {
        this.spec = spec;
        this.dialer = dialer;
        this.tls = tls;
        this.startTls = startTls;
        this.steps = steps;
    }

    static TcpProbe of(ProbeSpec.Tcp spec, Dialer dialer, List<FieldError> errors) {
        SpecRules.host(spec.host(), errors);
        SpecRules.port(spec.port(), errors);
        if (spec.steps().size() > STEPS_MAX) {
            errors.add(new FieldError(
                    "steps", "at most " + STEPS_MAX + ", not " + spec.steps().size()));
        }
        var steps = new ArrayList<CompiledStep>();
        for (int i = 0; i < Math.min(STEPS_MAX, spec.steps().size()); i++) {
            var step = spec.steps().get(i);
            try {
                var expect = step.expect();
                steps.add(new CompiledStep(
                        expect == null ? null : AssertionSet.regex(expect), step.send(), step.startTls()));
            } catch (IllegalArgumentException e) {
                errors.add(new FieldError("steps[" + i + "].expect", String.valueOf(e.getMessage())));
            }
        }
        var tls = SpecRules.tls(spec.tls(), errors);
        var later = tls == null ? TlsClient.of(TlsOptions.DEFAULT, "tls", errors) : tls;
        boolean upgrades = spec.steps().stream().anyMatch(ProbeSpec.Tcp.Step::startTls);
        return new TcpProbe(spec, dialer, upgrades ? null : tls, later, List.copyOf(steps));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        var connection = dialer.connect(attempt, spec.host(), spec.port(), spec.family(), tls);
        try {
            var transcript = new StringBuilder();
            var lines = new LineReader(connection.input(), attempt);
            for (var step : steps) {
                attempt.step(Attempt.Step.WAITING);
                var match = step.expect() == null ? null : expect(step.expect(), lines, transcript, attempt);
                if (step.send() != null) {
                    attempt.step(Attempt.Step.SENDING);
                    var text = expand(step.send(), match) + "\n";
                    connection.output().write(text.getBytes(StandardCharsets.UTF_8));
                }
                if (step.startTls()) {
                    connection = startTls.handshake(attempt, connection, spec.host(), spec.port());
                    lines = new LineReader(connection.input(), attempt);
                }
            }
        } finally {
            Attempt.closeQuietly(connection);
        }
    }

    private static Matcher expect(Pattern pattern, LineReader lines, StringBuilder transcript, Attempt attempt)
            throws ProbeFailure, IOException {
        try {
            for (int i = 0; i < LINES_MAX; i++) {
                var line = lines.line(LINE_MAX);
                if (transcript.length() < ProbeResult.EXCERPT_CHARACTERS) {
                    attempt.excerpt(transcript.append(line).append('\n').toString());
                }
                var matcher = pattern.matcher(line);
                if (matcher.find()) {
                    return matcher;
                }
            }
        } catch (EOFException e) {
            throw new ProbeFailure(
                    Outcome.UNEXPECTED,
                    "the server closed the connection before a line that matches \"" + pattern + "\"");
        }
        throw new ProbeFailure(Outcome.UNEXPECTED, "none of " + LINES_MAX + " lines matches \"" + pattern + "\"");
    }

    /** Replaces {@code ${1}} and {@code $1} by groups; {@code $$} is a dollar. */
    private static String expand(String template, @Nullable Matcher match) {
        if (match == null || template.indexOf('$') < 0) {
            return template;
        }
        var out = new StringBuilder();
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if (c != '$' || i + 1 == template.length()) {
                out.append(c);
                continue;
            }
            char next = template.charAt(i + 1);
            boolean braced = next == '{' && i + 3 < template.length() && template.charAt(i + 3) == '}';
            char digit = braced ? template.charAt(i + 2) : next;
            if (next == '$') {
                out.append('$');
                i++;
            } else if (Character.isDigit(digit)) {
                int group = digit - '0';
                var value = group <= match.groupCount() ? match.group(group) : null;
                out.append(value == null ? "" : value);
                i += braced ? 3 : 1;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
