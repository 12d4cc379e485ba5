package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.HttpFacts;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * Probes over HTTP: sends a request, follows redirects, judges the answer. A lean client of its own, since the JDK's costs
 * several times as much for a connection that is used once.
 */
final class HttpProbe implements ProbeRun {
    private static final int EXCERPT_BYTES = ProbeResult.EXCERPT_CHARACTERS;
    private static final int BODY_LIMIT_MAX = 64 << 20;

    /** A request that is ready to be sent; redirects make new ones. */
    private record Request(HttpTarget target, String method, boolean withBody, boolean withCredentials) {}

    /** An answer, its body read as far as wanted. */
    private record Answer(int status, String version, Map<String, String> headers, long contentLength, BodySink body) {}

    private final ProbeSpec.Http spec;
    private final Dialer dialer;
    private final BodyBudget budget;
    private final HttpTarget target;
    private final TlsClient tls;
    private final AssertionSet assertions;
    private final byte @Nullable [] body;
    private final byte[] firstRequest;

    private HttpProbe(
            ProbeSpec.Http spec,
            Dialer dialer,
            BodyBudget budget,
            HttpTarget target,
            TlsClient tls,
            AssertionSet assertions) {
        this.spec = spec;
        this.dialer = dialer;
        this.budget = budget;
        this.target = target;
        this.tls = tls;
        this.assertions = assertions;
        var text = spec.body();
        this.body = text == null ? null : text.getBytes(StandardCharsets.UTF_8);
        this.firstRequest = bytes(new Request(target, spec.method(), true, true));
    }

    static HttpProbe of(ProbeSpec.Http spec, Dialer dialer, BodyBudget budget, List<FieldError> errors) {
        var target = new HttpTarget(false, "localhost", 80, "/");
        try {
            target = HttpTarget.parse(spec.url());
        } catch (IllegalArgumentException e) {
            errors.add(new FieldError("url", String.valueOf(e.getMessage())));
        }
        if (!SpecRules.token(spec.method()) || spec.method().equals("CONNECT")) {
            errors.add(new FieldError("method", "expected a method such as GET, not \"" + spec.method() + "\""));
        }
        spec.headers().forEach((name, value) -> SpecRules.header("headers." + name, name, value, errors));
        if (spec.authorization() instanceof Authorization.Bearer bearer) {
            SpecRules.header("authorization", "Authorization", bearer.token(), errors);
        }
        if (spec.maxRedirects() < 0 || spec.maxRedirects() > 50) {
            errors.add(new FieldError("maxRedirects", "expected 0 to 50, not " + spec.maxRedirects()));
        }
        if (spec.bodyLimitBytes() < 0 || spec.bodyLimitBytes() > BODY_LIMIT_MAX) {
            errors.add(new FieldError(
                    "bodyLimitBytes", "expected 0 to " + BODY_LIMIT_MAX + ", not " + spec.bodyLimitBytes()));
        }
        return new HttpProbe(
                spec,
                dialer,
                budget,
                target,
                TlsClient.of(spec.tls(), "tls", errors),
                AssertionSet.of(spec.assertions(), errors));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        int reserved = assertions.needsBody() ? budget.acquire(attempt, spec.bodyLimitBytes()) : 0;
        try {
            follow(attempt);
        } finally {
            budget.release(reserved);
        }
    }

    private void follow(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        var request = new Request(target, spec.method(), true, true);
        for (int redirects = 0; ; redirects++) {
            var answer = exchange(attempt, request, redirects == 0 ? firstRequest : bytes(request));
            var location = answer.headers().get("location");
            attempt.http = new HttpFacts(
                    answer.status(),
                    answer.version(),
                    answer.headers(),
                    answer.contentLength(),
                    answer.body().total(),
                    answer.body().truncated(),
                    redirects,
                    request.target().url());
            attempt.excerpt(answer.body().kept(), answer.body().length());
            if (spec.maxRedirects() == 0 || location == null || !redirects(answer.status())) {
                judge(attempt, request, answer);
                return;
            }
            if (redirects == spec.maxRedirects()) {
                throw new ProbeFailure(
                        Outcome.UNEXPECTED,
                        "redirected more than " + spec.maxRedirects() + " times, last to " + brief(location));
            }
            request = next(request, answer.status(), location);
        }
    }

    private static boolean redirects(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    private static Request next(Request from, int status, String location) throws ProbeFailure {
        HttpTarget to;
        try {
            to = from.target().follow(location);
        } catch (IllegalArgumentException e) {
            throw new ProbeFailure(Outcome.UNEXPECTED, "cannot follow a redirect: " + e.getMessage());
        }
        boolean same = to.host().equals(from.target().host())
                && to.port() == from.target().port()
                && to.tls() == from.target().tls();
        boolean upgrade = to.host().equals(from.target().host())
                && to.tls()
                && !from.target().tls();
        boolean credentials = from.withCredentials() && (same || upgrade);
        if (status == 307 || status == 308) {
            return new Request(to, from.method(), from.withBody(), credentials);
        }
        return new Request(to, from.method().equals("HEAD") ? "HEAD" : "GET", false, credentials);
    }

    private Answer exchange(Attempt attempt, Request request, byte[] bytes)
            throws ProbeFailure, IOException, InterruptedException {
        var to = request.target();
        boolean second = spec.version() == ProbeSpec.HttpVersion.HTTP_2;
        boolean negotiate = to.tls() && spec.version() != ProbeSpec.HttpVersion.HTTP_1_1;
        var protocols = negotiate ? second ? new String[] {"h2"} : new String[] {"h2", "http/1.1"} : new String[0];
        try (var connection =
                dialer.connect(attempt, to.host(), to.port(), spec.family(), to.tls() ? tls : null, protocols)) {
            if (connection.protocol().equals("h2") || second && !to.tls()) {
                return exchangeHttp2(attempt, request, connection);
            }
            if (second) {
                throw new ProbeFailure(Outcome.PROTOCOL_ERROR, "the server does not negotiate HTTP/2");
            }
            attempt.step(Attempt.Step.SENDING);
            connection.output().write(bytes);
            return receive(attempt, request, connection.input());
        }
    }

    private Answer receive(Attempt attempt, Request request, InputStream input) throws ProbeFailure, IOException {
        attempt.step(Attempt.Step.WAITING);
        var reader = new HttpReader(input, attempt);
        reader.awaitFirstByte();
        attempt.step(Attempt.Step.READING);
        var head = reader.head();
        long length = HttpReader.contentLength(head);
        var sink = sink();
        if (HttpReader.hasBody(head, request.method())) {
            drain(reader.body(head), head.headers(), sink);
        }
        return new Answer(head.status(), head.version() == 11 ? "1.1" : "1.0", head.headers(), length, sink);
    }

    private BodySink sink() {
        int keep = assertions.needsBody() ? spec.bodyLimitBytes() : Math.min(EXCERPT_BYTES, spec.bodyLimitBytes());
        return new BodySink(keep, spec.bodyLimitBytes());
    }

    private void drain(InputStream coded, Map<String, String> headers, BodySink sink) throws IOException, ProbeFailure {
        try {
            var coding = headers.get("content-encoding");
            var plain = spec.decompress() && coding != null && coding.equalsIgnoreCase("gzip")
                    ? new GZIPInputStream(coded)
                    : coded;
            var buffer = new byte[4096];
            int count = plain.read(buffer, 0, buffer.length);
            while (count >= 0 && sink.accept(buffer, 0, count)) {
                count = plain.read(buffer, 0, buffer.length);
            }
        } catch (ZipException e) {
            throw new ProbeFailure(Outcome.PROTOCOL_ERROR, "the body is not gzip, though the server says so");
        }
    }

    private Answer exchangeHttp2(Attempt attempt, Request request, Connection connection)
            throws ProbeFailure, IOException {
        var headers = new ArrayList<Map.Entry<String, String>>();
        headers.add(Map.entry(":method", request.method()));
        headers.add(Map.entry(":scheme", request.target().tls() ? "https" : "http"));
        headers.add(Map.entry(":path", request.target().path()));
        var fields = fields(request);
        headers.add(Map.entry(":authority", host(request)));
        for (var field : fields) {
            headers.add(Map.entry(field.getKey().toLowerCase(Locale.ROOT), field.getValue()));
        }
        var sent = request.withBody() ? body : null;
        var sink = sink();
        var response = new Http2Call(connection, attempt).exchange(headers, sent == null ? new byte[0] : sent, sink);
        var length = response.headers().get("content-length");
        return new Answer(
                response.status(),
                "2.0",
                response.headers(),
                length == null || !length.matches("\\d{1,18}") ? -1 : Long.parseLong(length),
                sink);
    }

    private String host(Request request) {
        for (var header : spec.headers().entrySet()) {
            if (header.getKey().equalsIgnoreCase("host")
                    && request.target().host().equals(target.host())) {
                return header.getValue();
            }
        }
        return request.target().authority();
    }

    /** All fields but Host and those of the connection. */
    private List<Map.Entry<String, String>> fields(Request request) {
        var fields = new ArrayList<Map.Entry<String, String>>();
        boolean agent = false;
        for (var header : spec.headers().entrySet()) {
            var name = header.getKey().toLowerCase(Locale.ROOT);
            boolean secret = name.equals("authorization") || name.equals("cookie");
            boolean own = name.equals("host")
                    || name.equals("connection")
                    || name.equals("content-length")
                    || name.equals("transfer-encoding");
            if (!own && (request.withCredentials() || !secret)) {
                fields.add(Map.entry(header.getKey(), header.getValue()));
                agent |= name.equals("user-agent");
            }
        }
        if (!agent) {
            fields.add(Map.entry("User-Agent", "Coppice"));
        }
        if (spec.decompress()) {
            fields.add(Map.entry("Accept-Encoding", "gzip"));
        }
        var authorization = spec.authorization();
        if (authorization != null && request.withCredentials()) {
            fields.add(Map.entry("Authorization", value(authorization)));
        }
        if (request.withBody() && body != null) {
            fields.add(Map.entry("Content-Length", Integer.toString(body.length)));
        }
        return fields;
    }

    private static String value(Authorization authorization) {
        return switch (authorization) {
            case Authorization.Bearer bearer -> "Bearer " + bearer.token();
            case Authorization.Basic basic ->
                "Basic "
                        + Base64.getEncoder()
                                .encodeToString(
                                        (basic.username() + ":" + basic.password()).getBytes(StandardCharsets.UTF_8));
        };
    }

    private byte[] bytes(Request request) {
        var out = new StringBuilder(256)
                .append(request.method())
                .append(' ')
                .append(request.target().path())
                .append(" HTTP/1.1\r\nHost: ")
                .append(host(request))
                .append("\r\nConnection: close\r\n");
        for (var field : fields(request)) {
            out.append(field.getKey()).append(": ").append(field.getValue()).append("\r\n");
        }
        var head = out.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
        var sent = request.withBody() ? body : null;
        if (sent == null) {
            return head;
        }
        var all = java.util.Arrays.copyOf(head, head.length + sent.length);
        System.arraycopy(sent, 0, all, head.length, sent.length);
        return all;
    }

    private void judge(Attempt attempt, Request request, Answer answer) throws ProbeFailure {
        var elapsed = attempt.elapsed();
        var outcomes = assertions.evaluate(new AssertionSet.Answer(
                answer.status(), answer.version(), answer.headers(), answer.body(), elapsed.toNanos() / 1e9));
        attempt.assertions(outcomes);
        var problems = new ArrayList<String>();
        if (spec.statuses().stream().noneMatch(range -> range.contains(answer.status()))) {
            problems.add("status " + answer.status() + ", expected "
                    + spec.statuses().stream().map(Objects::toString).collect(Collectors.joining(", ")));
        }
        if (!spec.httpVersions().isEmpty() && !spec.httpVersions().contains("HTTP/" + answer.version())) {
            problems.add("HTTP/" + answer.version() + ", expected " + String.join(", ", spec.httpVersions()));
        }
        boolean secure = request.target().tls();
        if (spec.tlsRequirement() == ProbeSpec.TlsRequirement.REQUIRED && !secure) {
            problems.add("the final answer did not come over TLS");
        }
        if (spec.tlsRequirement() == ProbeSpec.TlsRequirement.FORBIDDEN && secure) {
            problems.add("the final answer came over TLS");
        }
        outcomes.stream().filter(o -> !o.passed()).forEach(o -> problems.add(o.detail()));
        var most = spec.maxLatency();
        if (most != null && elapsed.compareTo(most) > 0) {
            problems.add("took " + Attempt.words(elapsed) + ", more than " + Attempt.words(most));
        }
        if (!problems.isEmpty()) {
            throw new ProbeFailure(Outcome.UNEXPECTED, String.join("; ", problems));
        }
    }

    private static String brief(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }
}
