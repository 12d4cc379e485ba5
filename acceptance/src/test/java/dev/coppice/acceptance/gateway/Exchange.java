package dev.coppice.acceptance.gateway;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request and what it must give. Immutable.
 *
 * @param number of its row in the data
 * @param step of the test that makes it; empty for none
 * @param call what is done; null when the data have something in it that no rule of the parser knows
 * @param notUnderstood parts of the row that are not checked
 */
public record Exchange(
        int number,
        String step,
        @Nullable Call call,
        Expectation expectation,
        List<String> notUnderstood,
        String text) {

    /** In a target: a value that is new with each request. */
    static final String FRESH = "{FRESH}";

    public Exchange {
        notUnderstood = List.copyOf(notUnderstood);
    }

    /** The same where the backend must see this host, and nothing is left that is not understood. */
    Exchange seenWithHost(String host) {
        return new Exchange(number, step, call, expectation.seen(expectation.seenPath(), host), List.of(), text);
    }

    /** The same where the backend must see the path as it was sent. */
    Exchange seenAsSent() {
        return new Exchange(number, step, call, expectation.seen("", expectation.seenHost()), notUnderstood, text);
    }

    /** The same with another target. */
    Exchange withTarget(String target) {
        Request r = java.util.Objects.requireNonNull(request());
        return new Exchange(
                number,
                step,
                new Request(
                        r.method(), target, r.host(), r.headers(), r.serverName(), r.protocol(), r.clientCertificate()),
                expectation,
                notUnderstood,
                r.method() + " " + target + ", as " + text);
    }

    /** The HTTP request; null for calls of other protocols. */
    @Nullable
    Request request() {
        return call instanceof Request request ? request : null;
    }

    /** What a client does. */
    public sealed interface Call {}

    /**
     * A line over TCP, or TLS where the listener speaks it.
     *
     * @param serverName empty for the host name of the route
     */
    public record StreamEcho(String serverName) implements Call {}

    /** A datagram. */
    public record DatagramEcho() implements Call {}

    /**
     * A unary gRPC call.
     *
     * @param method {@code SERVICE/METHOD}
     * @param authority empty for the address of the Gateway
     */
    public record GrpcCall(String method, String authority, List<Map.Entry<String, String>> metadata) implements Call {
        public GrpcCall {
            metadata = List.copyOf(metadata);
        }
    }

    /**
     * An HTTP request.
     *
     * @param target path and query
     * @param host empty for the address of the Gateway
     * @param serverName for TLS; empty for the host
     * @param protocol empty for HTTP/1.1
     * @param clientCertificate what the data call it; empty for none
     */
    public record Request(
            String method,
            String target,
            String host,
            List<Map.Entry<String, String>> headers,
            String serverName,
            String protocol,
            String clientCertificate)
            implements Call {
        public Request {
            headers = List.copyOf(headers);
        }
    }

    /** How a request may end. */
    public sealed interface Outcome {}

    /** An answer with one of these statuses. */
    public record Status(List<Integer> codes) implements Outcome {
        public Status {
            codes = List.copyOf(codes);
        }
    }

    /** An answer with any status but this one. */
    public record AnyStatusBut(int code) implements Outcome {}

    /** No answer: the connection is refused. */
    public record Refused() implements Outcome {}

    /** Where the answer must lead; empty parts are those of the request. */
    public record Redirect(String scheme, String host, String port, String path) {}

    /** A backend that gets a copy; so many of 100, -1 for all. */
    public record Mirror(String namespace, String service, int percent) {}

    /**
     * What must come back. Empty texts and lists stand for anything, but for a path, which arrives as sent unless told.
     *
     * @param servedBy start of the pod's name
     * @param seenHeaders by the backend, several values joined by commas
     * @param service which a datagram's answer names
     * @param backendTls whether the backend itself speaks TLS; null for either
     * @param grpcStatus as Go writes it
     */
    public record Expectation(
            Outcome outcome,
            String servedBy,
            String servedIn,
            String seenPath,
            String seenHost,
            String seenServerName,
            Map<String, String> seenHeaders,
            List<String> unseenHeaders,
            @Nullable Redirect redirect,
            Map<String, String> responseHeaders,
            List<String> absentResponseHeaders,
            List<Mirror> mirrors,
            String service,
            @Nullable Boolean backendTls,
            String grpcStatus) {
        public Expectation {
            seenHeaders = Map.copyOf(seenHeaders);
            unseenHeaders = List.copyOf(unseenHeaders);
            responseHeaders = Map.copyOf(responseHeaders);
            absentResponseHeaders = List.copyOf(absentResponseHeaders);
            mirrors = List.copyOf(mirrors);
        }

        Expectation seen(String path, String host) {
            return new Expectation(
                    outcome,
                    servedBy,
                    servedIn,
                    path,
                    host,
                    seenServerName,
                    seenHeaders,
                    unseenHeaders,
                    redirect,
                    responseHeaders,
                    absentResponseHeaders,
                    mirrors,
                    service,
                    backendTls,
                    grpcStatus);
        }
    }
}
