package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.GrpcFacts;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls grpc.health.v1.Health/Check (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) as gRPC over HTTP/2.
 * One message each way: a whole gRPC stack would cost more to start than thousands of these calls.
 */
final class GrpcProbe implements ProbeRun {
    private static final int ANSWER_BYTES_MAX = 4096;
    private static final String[] STATUSES = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

    /** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
    private static final String[] CODES = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED"
    };

    private final ProbeSpec.Grpc spec;
    private final Dialer dialer;
    private final @Nullable TlsClient tls;

    private GrpcProbe(ProbeSpec.Grpc spec, Dialer dialer, @Nullable TlsClient tls) {
        this.spec = spec;
        this.dialer = dialer;
        this.tls = tls;
    }

    static GrpcProbe of(ProbeSpec.Grpc spec, Dialer dialer, List<FieldError> errors) {
        SpecRules.host(spec.host(), errors);
        SpecRules.port(spec.port(), errors);
        if (spec.service().length() > 1024) {
            errors.add(new FieldError("service", "expected at most 1024 characters"));
        }
        spec.metadata().forEach((name, value) -> SpecRules.header("metadata." + name, name, value, errors));
        return new GrpcProbe(spec, dialer, SpecRules.tls(spec.tls(), errors));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        var sink = new BodySink(ANSWER_BYTES_MAX, ANSWER_BYTES_MAX);
        Http2Call.Response response;
        try (var connection = dialer.connect(attempt, spec.host(), spec.port(), spec.family(), tls, "h2")) {
            if (tls != null && !connection.protocol().equals("h2")) {
                throw new ProbeFailure(
                        Outcome.PROTOCOL_ERROR, "the server does not negotiate HTTP/2, which gRPC needs");
            }
            response = new Http2Call(connection, attempt).exchange(headers(attempt), message(), sink);
        }
        judge(attempt, response, sink);
    }

    private List<Map.Entry<String, String>> headers(Attempt attempt) throws ProbeFailure {
        var headers = new ArrayList<Map.Entry<String, String>>();
        headers.add(Map.entry(":method", "POST"));
        headers.add(Map.entry(":scheme", tls == null ? "http" : "https"));
        headers.add(Map.entry(":path", "/grpc.health.v1.Health/Check"));
        headers.add(Map.entry(":authority", authority()));
        headers.add(Map.entry("content-type", "application/grpc"));
        headers.add(Map.entry("te", "trailers"));
        headers.add(Map.entry("grpc-timeout", attempt.remainingMillis() + "m"));
        headers.add(Map.entry("user-agent", "Coppice"));
        spec.metadata().forEach((name, value) -> headers.add(Map.entry(name.toLowerCase(Locale.ROOT), value)));
        return headers;
    }

    private String authority() {
        var host =
                spec.host().indexOf(':') >= 0 && !spec.host().startsWith("[") ? "[" + spec.host() + "]" : spec.host();
        return host + ":" + spec.port();
    }

    /** HealthCheckRequest: field 1, a string, behind gRPC's five bytes of length. */
    private byte[] message() {
        var name = spec.service().getBytes(StandardCharsets.UTF_8);
        var message = new ByteArrayOutputStream();
        if (name.length > 0) {
            message.write(0x0a);
            int length = name.length;
            while (length >= 128) {
                message.write(length & 127 | 128);
                length >>= 7;
            }
            message.write(length);
            message.writeBytes(name);
        }
        var framed = new ByteArrayOutputStream();
        framed.write(0);
        framed.writeBytes(java.nio.ByteBuffer.allocate(4).putInt(message.size()).array());
        framed.writeBytes(message.toByteArray());
        return framed.toByteArray();
    }

    private void judge(Attempt attempt, Http2Call.Response response, BodySink sink) throws ProbeFailure, IOException {
        if (response.status() != 200) {
            throw new ProbeFailure(
                    Outcome.PROTOCOL_ERROR, "the server answers gRPC with HTTP status " + response.status());
        }
        var trailers = response.trailers().isEmpty() ? response.headers() : response.trailers();
        var code = trailers.getOrDefault("grpc-status", "");
        if (!code.matches("\\d{1,4}")) {
            throw new ProbeFailure(Outcome.PROTOCOL_ERROR, "the answer has no gRPC status");
        }
        int number = Integer.parseInt(code);
        if (number != 0) {
            attempt.grpc = new GrpcFacts(number, number == 5 ? "SERVICE_UNKNOWN" : "");
            var name = number < CODES.length ? CODES[number] : "code " + number;
            var message = trailers.getOrDefault("grpc-message", "");
            throw new ProbeFailure(
                    Outcome.UNEXPECTED,
                    "the health service answers " + name + (message.isEmpty() ? "" : ": " + brief(message)));
        }
        var status = status(sink);
        attempt.grpc = new GrpcFacts(0, status);
        attempt.excerpt(status);
        if (!status.equals("SERVING")) {
            throw new ProbeFailure(
                    Outcome.UNEXPECTED,
                    (spec.service().isEmpty() ? "the server" : "\"" + spec.service() + "\"") + " is " + status);
        }
    }

    private static String brief(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }

    /** HealthCheckResponse: field 1, an enumeration; absent means 0. */
    private static String status(BodySink sink) throws ProbeFailure {
        var bytes = sink.kept();
        int length = sink.length();
        if (length < 5 || bytes[0] != 0) {
            throw new ProbeFailure(Outcome.PROTOCOL_ERROR, "the answer is no uncompressed gRPC message");
        }
        int value = 0;
        if (length > 5) {
            if (bytes[5] != 0x08 || length < 7) {
                throw new ProbeFailure(Outcome.PROTOCOL_ERROR, "the answer is no HealthCheckResponse");
            }
            value = bytes[6];
        }
        return value >= 0 && value < STATUSES.length ? STATUSES[value] : "status " + value;
    }
}
