package dev.coppice.probe;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a probe found. Immutable and bounded in size.
 *
 * @param outcome success, or what sort of failure
 * @param reason the failure in words; empty on success
 * @param startedAt when it started
 * @param duration how long all of it took
 * @param phases where the time went
 * @param address the IP address that was probed, pinned after resolution; null when it came to none
 * @param bytes how much was read
 * @param excerpt the beginning of what came back as text, at most {@value #EXCERPT_CHARACTERS} characters
 * @param assertions how each assertion turned out, in the order of the specification
 * @param http about the HTTP answer
 * @param tls about the TLS connection
 * @param dns about the DNS answer
 * @param command about the command
 * @param grpc about the gRPC answer
 * @param icmp about the echo reply
 */
public record ProbeResult(
        Outcome outcome,
        String reason,
        Instant startedAt,
        Duration duration,
        Phases phases,
        @Nullable String address,
        long bytes,
        String excerpt,
        List<AssertionOutcome> assertions,
        @Nullable HttpFacts http,
        @Nullable TlsFacts tls,
        @Nullable DnsFacts dns,
        @Nullable CommandFacts command,
        @Nullable GrpcFacts grpc,
        @Nullable IcmpFacts icmp) {

    /** The longest excerpt. */
    public static final int EXCERPT_CHARACTERS = 4096;

    public boolean success() {
        return outcome == Outcome.SUCCESS;
    }

    /** 4, 6, or 0 when no address was reached. */
    public int ipProtocol() {
        return address == null ? 0 : address.indexOf(':') >= 0 ? 6 : 4;
    }

    /** How a probe ended. */
    public enum Outcome {
        SUCCESS,
        /** The name has no address. */
        UNRESOLVED,
        /** The address policy forbids the address. */
        REFUSED_ADDRESS,
        /** Nobody accepted a connection. */
        UNREACHABLE,
        /** The TLS handshake failed, or the certificate did not verify. */
        TLS_FAILED,
        /** The peer broke its protocol or closed early. */
        PROTOCOL_ERROR,
        /** The peer answered, but not as expected. */
        UNEXPECTED,
        /** Not done in time. */
        TIMED_OUT,
        /** Too many probes at once: this one did not start. */
        OVERLOADED,
        /** This machine cannot do such a probe; the reason says what to change. */
        UNSUPPORTED
    }

    /**
     * Where the time went. Summed over redirects.
     *
     * @param processing from the request sent to the first byte of the answer
     * @param transfer from the first byte to the last
     */
    public record Phases(Duration resolve, Duration connect, Duration tls, Duration processing, Duration transfer) {
        public static final Phases NONE =
                new Phases(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO);
    }

    /**
     * About an HTTP answer, after redirects.
     *
     * @param version such as {@code 1.1}, {@code 2.0}
     * @param headers lower-case names; several values are joined by a comma and a space
     * @param contentLength as the server declared it; -1 when it did not
     * @param bodyBytes of the body as read, unpacked
     * @param truncated whether the body went on past the limit
     * @param redirects how many were followed
     * @param finalUrl where the answer came from
     */
    public record HttpFacts(
            int status,
            String version,
            Map<String, String> headers,
            long contentLength,
            long bodyBytes,
            boolean truncated,
            int redirects,
            String finalUrl) {}

    /**
     * About a DNS answer; records are in master-file form.
     *
     * @param serial of a SOA record among the answers; -1 when there is none
     */
    public record DnsFacts(
            String responseCode,
            List<String> answers,
            List<String> authority,
            List<String> additional,
            boolean authoritative,
            long serial) {}

    /**
     * About a command.
     *
     * @param exitCode -1 when it was killed at its deadline; 128 plus the number when a signal ended it
     * @param truncated whether it printed more than was kept
     */
    public record CommandFacts(int exitCode, boolean truncated, boolean sandboxed) {}

    /**
     * About a gRPC answer.
     *
     * @param statusCode 0 is OK
     * @param servingStatus SERVING, NOT_SERVING, SERVICE_UNKNOWN, UNKNOWN; empty without an answer
     */
    public record GrpcFacts(int statusCode, String servingStatus) {}

    /**
     * About an echo reply.
     *
     * @param hopLimit of the reply; -1 when the operating system does not tell
     */
    public record IcmpFacts(int hopLimit, int bytes) {}
}
