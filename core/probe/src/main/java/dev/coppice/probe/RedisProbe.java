package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** AUTH and PING over RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
final class RedisProbe implements ProbeRun {
    private static final int LINE_MAX = 1024;

    private final ProbeSpec.Redis spec;
    private final Dialer dialer;
    private final @Nullable TlsClient tls;

    private RedisProbe(ProbeSpec.Redis spec, Dialer dialer, @Nullable TlsClient tls) {
        this.spec = spec;
        this.dialer = dialer;
        this.tls = tls;
    }

    static RedisProbe of(ProbeSpec.Redis spec, Dialer dialer, List<FieldError> errors) {
        SpecRules.host(spec.host(), errors);
        SpecRules.port(spec.port(), errors);
        if (spec.username() != null && spec.password() == null) {
            errors.add(new FieldError("password", "a user name needs a password"));
        }
        return new RedisProbe(spec, dialer, SpecRules.tls(spec.tls(), errors));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        try (var connection = dialer.connect(attempt, spec.host(), spec.port(), spec.family(), tls)) {
            var reader = new LineReader(connection.input(), attempt);
            var password = spec.password();
            if (password != null) {
                var words = new ArrayList<String>(List.of("AUTH"));
                if (spec.username() != null) {
                    words.add(spec.username());
                }
                words.add(password);
                expect(attempt, connection, reader, words, "+OK");
            }
            expect(attempt, connection, reader, List.of("PING"), "+PONG");
        }
    }

    private static void expect(
            Attempt attempt, Connection connection, LineReader reader, List<String> words, String expected)
            throws ProbeFailure, IOException {
        attempt.step(Attempt.Step.SENDING);
        connection.output().write(command(words));
        attempt.step(Attempt.Step.WAITING);
        var line = reader.line(LINE_MAX);
        attempt.excerpt(line);
        if (line.equals(expected)) {
            return;
        }
        var brief = line.length() <= 200 ? line : line.substring(0, 200) + "…";
        boolean redis = line.startsWith("-") || line.startsWith("+");
        throw new ProbeFailure(
                redis ? Outcome.UNEXPECTED : Outcome.PROTOCOL_ERROR,
                redis
                        ? "the server answers " + words.getFirst() + " with: " + brief.substring(1)
                        : "the answer is not Redis' protocol");
    }

    private static byte[] command(List<String> words) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(("*" + words.size() + "\r\n").getBytes(StandardCharsets.US_ASCII));
        for (var word : words) {
            var bytes = word.getBytes(StandardCharsets.UTF_8);
            out.writeBytes(("$" + bytes.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.writeBytes(bytes);
            out.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        return out.toByteArray();
    }
}
