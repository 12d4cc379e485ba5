package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.acceptance.gateway.Exchange.Expectation;
import dev.coppice.acceptance.gateway.Exchange.Request;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Sends requests to a Gateway and compares what comes back. */
final class ExchangeRunner {
    /** A request header whose value the echo backends remember. */
    static final String MARK = "X-Conformance-Mark";

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Where requests go.
     *
     * @param tls null for plain text
     * @param from the IP address of the client; empty for any
     */
    record Target(String address, int port, @Nullable SSLContext tls, String from) {
        Target(String address, int port, @Nullable SSLContext tls) {
            this(address, port, tls, "");
        }

        String scheme() {
            return tls == null ? "http" : "https";
        }

        /** What a client that was given no host says. */
        String authority() {
            return port == (tls == null ? 80 : 443) ? address : address + ":" + port;
        }

        @Override
        public String toString() {
            return scheme() + "://" + address + ":" + port + (from.isEmpty() ? "" : " from " + from);
        }
    }

    private ExchangeRunner() {}

    /** What an answer was, and what of it the echo backend saw (a missing node when another answered). */
    record Got(RawHttp.Answer answer, JsonNode seen) {
        String pod() {
            return seen.path("pod").asText();
        }
    }

    /** What is not as expected with one request; null when all is. */
    static @Nullable String once(Target target, Exchange exchange, String mark) throws JsonProcessingException {
        Request request = java.util.Objects.requireNonNull(exchange.request());
        Expectation expected = exchange.expectation();
        String path = request.target().replace(Exchange.FRESH, UUID.randomUUID().toString());
        Got got;
        try {
            got = send(target, request, path, mark);
        } catch (IOException e) {
            return expected.outcome() instanceof Exchange.Refused ? null : "no answer: " + e;
        }
        return problem(target, request, path, expected, got);
    }

    /** What of an answer is not as expected; null when all is. */
    static @Nullable String problem(Target target, Request request, String path, Expectation expected, Got got) {
        int status = got.answer().status();
        switch (expected.outcome()) {
            case Exchange.Refused _ -> {
                return "expected no answer, got " + status;
            }
            case Exchange.AnyStatusBut but -> {
                return status == but.code() ? "expected any status but " + status : null;
            }
            case Exchange.Status wanted -> {
                if (!wanted.codes().contains(status)) {
                    return "expected status " + wanted.codes() + ", got " + status + " " + excerpt(got.answer());
                }
            }
        }
        String problem = responseHeaders(expected, got.answer());
        if (problem == null && expected.redirect() != null) {
            problem = redirect(expected.redirect(), target, request, got.answer());
        }
        // Who answered and what it saw counts for answers of backends only.
        return problem == null && status == 200 && !request.method().equals("HEAD")
                ? seen(expected, request, path, got)
                : problem;
    }

    static Got send(Target target, Request request, String path, String mark)
            throws IOException, JsonProcessingException {
        String host = request.host().isEmpty() ? target.authority() : request.host();
        String serverName = request.serverName().isEmpty() ? host.replaceFirst(":\\d+$", "") : request.serverName();
        List<Map.Entry<String, String>> headers = new ArrayList<>(request.headers());
        if (!mark.isEmpty()) {
            headers.add(Map.entry(MARK, mark));
        }
        try (Socket socket = RawHttp.connect(target, serverName)) {
            RawHttp.Answer answer =
                    RawHttp.exchange(socket, request.method(), RawHttp.head(request.method(), path, host, headers));
            JsonNode seen = com.fasterxml.jackson.databind.node.MissingNode.getInstance();
            String body = answer.text();
            if (body.startsWith("{")) {
                seen = JSON.readTree(body);
            }
            return new Got(answer, seen);
        }
    }

    private static @Nullable String responseHeaders(Expectation expected, RawHttp.Answer answer) {
        for (var header : expected.responseHeaders().entrySet()) {
            String value = answer.header(header.getKey());
            // Lists may have spaces after their commas, or not.
            if (value == null || !header.getValue().replace(", ", ",").equals(value.replace(", ", ","))) {
                return "expected response header " + header + ", got " + value;
            }
        }
        for (String name : expected.absentResponseHeaders()) {
            if (answer.header(name) != null) {
                return "expected no response header " + name + ", got " + answer.header(name);
            }
        }
        return null;
    }

    private static @Nullable String seen(Expectation expected, Request request, String path, Got got) {
        JsonNode seen = got.seen();
        boolean anything = expected.servedBy().isEmpty()
                && expected.seenPath().isEmpty()
                && expected.seenHeaders().isEmpty()
                && expected.unseenHeaders().isEmpty();
        if (seen.isMissingNode()) {
            // Such as the answer to a preflight request, which is the Gateway's own.
            return anything ? null : "expected an echo, got " + excerpt(got.answer());
        }
        if (!got.pod().startsWith(expected.servedBy())
                || (!expected.servedIn().isEmpty()
                        && !seen.path("namespace").asText().equals(expected.servedIn()))) {
            return "expected to be served by " + expected.servedBy() + " in " + expected.servedIn() + ", was by "
                    + got.pod() + " in " + seen.path("namespace").asText();
        }
        String wantedPath = expected.seenPath().isEmpty() ? path : expected.seenPath();
        if (!seen.path("path").asText().equals(wantedPath)) {
            return "expected the backend to see path " + wantedPath + ", saw " + seen.path("path");
        }
        if (!seen.path("method").asText().equals(request.method())) {
            return "expected the backend to see method " + request.method() + ", saw " + seen.path("method");
        }
        if (!expected.seenHost().isEmpty() && !seen.path("host").asText().equals(expected.seenHost())) {
            return "expected the backend to see host " + expected.seenHost() + ", saw " + seen.path("host");
        }
        if (!expected.seenServerName().isEmpty() && !seen.path("sni").asText().equals(expected.seenServerName())) {
            return "expected the backend to see SNI " + expected.seenServerName() + ", saw " + seen.path("sni");
        }
        boolean told = !expected.seenPath().isEmpty() || !expected.seenHeaders().isEmpty();
        Map<String, String> headers = told ? expected.seenHeaders() : asSent(request);
        for (var header : headers.entrySet()) {
            String value = header(seen, header.getKey());
            if (!header.getValue().equals(value)) {
                return "expected the backend to see header " + header + ", saw " + value;
            }
        }
        for (String name : expected.unseenHeaders()) {
            if (header(seen, name) != null) {
                return "expected the backend not to see header " + name + ", saw " + header(seen, name);
            }
        }
        return null;
    }

    private static Map<String, String> asSent(Request request) {
        Map<String, String> headers = new java.util.LinkedHashMap<>();
        request.headers()
                .forEach(header -> headers.merge(header.getKey(), header.getValue(), (one, two) -> one + "," + two));
        return headers;
    }

    private static @Nullable String header(JsonNode seen, String name) {
        for (var header : seen.path("headers").properties()) {
            if (header.getKey().equalsIgnoreCase(name)) {
                List<String> values = new ArrayList<>();
                header.getValue().forEach(value -> values.add(value.asText()));
                return String.join(",", values);
            }
        }
        return null;
    }

    private static @Nullable String redirect(
            Exchange.Redirect wanted, Target target, Request request, RawHttp.Answer answer) {
        String location = answer.header("location");
        if (location == null) {
            return "expected a Location, got " + answer.headers();
        }
        URI base = URI.create(target.scheme() + "://" + (request.host().isEmpty() ? target.authority() : request.host())
                + request.target());
        URI to;
        try {
            to = base.resolve(location);
        } catch (IllegalArgumentException e) {
            return "not a URL: " + location;
        }
        String scheme = wanted.scheme().isEmpty() ? target.scheme() : wanted.scheme();
        String host = wanted.host().isEmpty() ? base.getHost() : wanted.host();
        String path = wanted.path().isEmpty() ? base.getRawPath() : wanted.path();
        String usual = scheme.equals("https") ? "443" : "80";
        String port = to.getPort() < 0 ? "" : Integer.toString(to.getPort());
        boolean portIsRight =
                wanted.port().isEmpty() ? port.isEmpty() || port.equals(usual) : port.equals(wanted.port());
        boolean right = scheme.equals(to.getScheme().toLowerCase(Locale.ROOT))
                && host.equals(to.getHost())
                && path.equals(to.getRawPath())
                && portIsRight;
        return right
                ? null
                : "expected a redirect to scheme " + scheme + ", host " + host + ", port "
                        + (wanted.port().isEmpty() ? usual + " or none" : wanted.port()) + ", path " + path + ", got "
                        + location;
    }

    private static String excerpt(RawHttp.Answer answer) {
        String text = answer.text();
        return text.substring(0, Math.min(200, text.length())).replace("\n", " ");
    }
}
