package dev.coppice.probe;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What to probe and what to expect. Immutable; secrets stand in it in clear, so they never show in {@code toString}. Hosts
 * are names or IP literals (IPv6 with or without brackets). Give it to {@link Prober#prepare}, which reports all errors.
 *
 * <p>Long, because all that can be probed stands here side by side; it has no logic.
 */
public sealed interface ProbeSpec {

    /** The sort of probe in one lower-case word, for labels. */
    default String type() {
        return switch (this) {
            case Http ignored -> "http";
            case Tcp ignored -> "tcp";
            case Tls ignored -> "tls";
            case Dns ignored -> "dns";
            case Grpc ignored -> "grpc";
            case Icmp ignored -> "icmp";
            case Postgres ignored -> "postgres";
            case Redis ignored -> "redis";
            case Command ignored -> "command";
        };
    }

    /** Which HTTP versions to speak. */
    enum HttpVersion {
        /** HTTP/1.1 only. */
        HTTP_1_1,
        /** HTTP/2 where TLS negotiates it, else HTTP/1.1. */
        NEGOTIATED,
        /** HTTP/2 or failure; without TLS by prior knowledge. */
        HTTP_2
    }

    /** Whether the final answer must, may or must not come over TLS. */
    enum TlsRequirement {
        ANY,
        REQUIRED,
        FORBIDDEN
    }

    /**
     * An HTTP or HTTPS request over a connection of its own.
     *
     * @param url absolute, {@code http} or {@code https}; user information in it is refused
     * @param method such as {@code GET}
     * @param headers sent as given; {@code Host} replaces the URL's
     * @param body sent as UTF-8; null sends none
     * @param authorization dropped when a redirect leaves the host
     * @param maxRedirects how many to follow; 0 follows none and judges the redirect itself
     * @param statuses what the final status must be in
     * @param httpVersions final protocol versions to accept, such as {@code HTTP/1.1}; empty accepts any
     * @param assertions all must hold
     * @param maxLatency how long the whole probe may take to be a success; null has no limit but the deadline
     * @param bodyLimitBytes how much of the body is read, after decompression; the rest is not waited for
     * @param decompress asks for gzip and unpacks it
     */
    record Http(
            String url,
            String method,
            Map<String, String> headers,
            @Nullable String body,
            @Nullable Authorization authorization,
            int maxRedirects,
            List<StatusRange> statuses,
            List<String> httpVersions,
            List<Assertion> assertions,
            @Nullable Duration maxLatency,
            TlsOptions tls,
            TlsRequirement tlsRequirement,
            AddressFamily family,
            HttpVersion version,
            int bodyLimitBytes,
            boolean decompress)
            implements ProbeSpec {

        public Http {
            headers = Map.copyOf(headers);
            statuses = statuses.isEmpty() ? StatusRange.SUCCESSFUL : List.copyOf(statuses);
            httpVersions = List.copyOf(httpVersions);
            assertions = List.copyOf(assertions);
        }

        /** A GET that expects 200 to 299, follows 10 redirects and reads 1 MiB at most. */
        public static Http get(String url) {
            return builder(url).build();
        }

        public static Builder builder(String url) {
            return new Builder(url);
        }

        @Override
        public String toString() {
            return "Http[" + method + " " + url + "]";
        }

        /** Collects the fields of an {@link Http}. Not safe for use by many threads. */
        public static final class Builder {
            private final String url;
            private String method = "GET";
            private Map<String, String> headers = Map.of();
            private @Nullable String body;
            private @Nullable Authorization authorization;
            private int maxRedirects = 10;
            private List<StatusRange> statuses = List.of();
            private List<String> httpVersions = List.of();
            private List<Assertion> assertions = List.of();
            private @Nullable Duration maxLatency;
            private TlsOptions tls = TlsOptions.DEFAULT;
            private TlsRequirement tlsRequirement = TlsRequirement.ANY;
            private AddressFamily family = AddressFamily.PREFER_IPV4;
            private HttpVersion version = HttpVersion.HTTP_1_1;
            private int bodyLimitBytes = 1 << 20;
            private boolean decompress;

            private Builder(String url) {
                this.url = url;
            }

            public Builder method(String method) {
                this.method = method;
                return this;
            }

            public Builder headers(Map<String, String> headers) {
                this.headers = headers;
                return this;
            }

            public Builder body(@Nullable String body) {
                this.body = body;
                return this;
            }

            public Builder authorization(@Nullable Authorization authorization) {
                this.authorization = authorization;
                return this;
            }

            public Builder maxRedirects(int maxRedirects) {
                this.maxRedirects = maxRedirects;
                return this;
            }

            public Builder statuses(List<StatusRange> statuses) {
                this.statuses = statuses;
                return this;
            }

            public Builder httpVersions(List<String> httpVersions) {
                this.httpVersions = httpVersions;
                return this;
            }

            public Builder assertions(List<Assertion> assertions) {
                this.assertions = assertions;
                return this;
            }

            public Builder maxLatency(@Nullable Duration maxLatency) {
                this.maxLatency = maxLatency;
                return this;
            }

            public Builder tls(TlsOptions tls) {
                this.tls = tls;
                return this;
            }

            public Builder tlsRequirement(TlsRequirement tlsRequirement) {
                this.tlsRequirement = tlsRequirement;
                return this;
            }

            public Builder family(AddressFamily family) {
                this.family = family;
                return this;
            }

            public Builder version(HttpVersion version) {
                this.version = version;
                return this;
            }

            public Builder bodyLimitBytes(int bodyLimitBytes) {
                this.bodyLimitBytes = bodyLimitBytes;
                return this;
            }

            public Builder decompress(boolean decompress) {
                this.decompress = decompress;
                return this;
            }

            public Http build() {
                return new Http(
                        url,
                        method,
                        headers,
                        body,
                        authorization,
                        maxRedirects,
                        statuses,
                        httpVersions,
                        assertions,
                        maxLatency,
                        tls,
                        tlsRequirement,
                        family,
                        version,
                        bodyLimitBytes,
                        decompress);
            }
        }
    }

    /**
     * A TCP connection and, perhaps, a conversation.
     *
     * @param tls speaks TLS from the start; null does not
     * @param steps done in order
     */
    record Tcp(String host, int port, @Nullable TlsOptions tls, List<Step> steps, AddressFamily family)
            implements ProbeSpec {

        public Tcp {
            steps = List.copyOf(steps);
        }

        /** Connects only. */
        public static Tcp connect(String host, int port) {
            return new Tcp(host, port, null, List.of(), AddressFamily.PREFER_IPV4);
        }

        /**
         * One step: wait for a line that the expression is found in, then send a line, then change to TLS; each is optional.
         *
         * @param expect a regular expression; lines that it is not found in are skipped
         * @param send sent with a line feed; {@code ${1}} stands for what group 1 of {@code expect} found
         * @param startTls changes to TLS after the step
         */
        public record Step(
                @Nullable String expect, @Nullable String send, boolean startTls) {}
    }

    /**
     * A TLS handshake that judges the certificate.
     *
     * @param minimumValidity how long every certificate must still be valid
     */
    record Tls(String host, int port, TlsOptions tls, Duration minimumValidity, AddressFamily family)
            implements ProbeSpec {

        /** Verifies chain and name, and 14 days of validity. */
        public static Tls verify(String host, int port) {
            return new Tls(host, port, TlsOptions.DEFAULT, Duration.ofDays(14), AddressFamily.PREFER_IPV4);
        }
    }

    /**
     * A DNS query.
     *
     * @param name what is asked
     * @param recordType such as {@code A}, {@code MX}, {@code SOA}
     * @param server a host, with a port or not; null asks as the machine does: localhost, its
     *     hosts file, then its first name server
     * @param transport how the query travels
     * @param responseCodes accepted, such as {@code NOERROR}
     * @param expectedAnswers each must be the data of an answer ({@code 192.0.2.1}, {@code 10 mail.example.org.}); the
     *     final dot of names may be left out
     * @param exact no other answers may be there
     * @param sectionRules regular expressions over whole records, as blackbox_exporter has them
     */
    record Dns(
            String name,
            String recordType,
            @Nullable String server,
            Transport transport,
            boolean recursionDesired,
            List<String> responseCodes,
            List<String> expectedAnswers,
            boolean exact,
            List<SectionRule> sectionRules,
            AddressFamily family)
            implements ProbeSpec {

        public Dns {
            responseCodes = responseCodes.isEmpty() ? List.of("NOERROR") : List.copyOf(responseCodes);
            expectedAnswers = List.copyOf(expectedAnswers);
            sectionRules = List.copyOf(sectionRules);
        }

        /** Expects an answer, any. */
        public static Dns query(String name, String recordType, @Nullable String server) {
            return new Dns(
                    name,
                    recordType,
                    server,
                    Transport.UDP,
                    true,
                    List.of(),
                    List.of(),
                    false,
                    List.of(),
                    AddressFamily.PREFER_IPV4);
        }

        /** How a query travels; UDP changes to TCP when the answer is truncated. */
        public enum Transport {
            UDP,
            TCP
        }

        /** A section of a DNS message. */
        public enum Section {
            ANSWER,
            AUTHORITY,
            ADDITIONAL
        }

        /** When a rule fails the probe. */
        public enum Condition {
            FAIL_IF_ANY_MATCHES,
            FAIL_IF_ALL_MATCH,
            FAIL_IF_ANY_DOES_NOT_MATCH,
            FAIL_IF_NONE_MATCHES
        }

        /** A regular expression over the records of a section, each in master-file form with tabs. */
        public record SectionRule(Section section, Condition condition, String regex) {}
    }

    /**
     * A call of grpc.health.v1.Health/Check.
     *
     * @param service the service to ask about; empty asks about the whole server
     * @param tls null speaks HTTP/2 in clear
     */
    record Grpc(
            String host,
            int port,
            String service,
            @Nullable TlsOptions tls,
            Map<String, String> metadata,
            AddressFamily family)
            implements ProbeSpec {

        public Grpc {
            metadata = Map.copyOf(metadata);
        }

        public static Grpc check(String host, int port, String service) {
            return new Grpc(host, port, service, null, Map.of(), AddressFamily.PREFER_IPV4);
        }
    }

    /**
     * An ICMP echo request.
     *
     * @param payloadBytes 0 to 1400
     * @param ttl the hop limit, 1 to 255
     */
    record Icmp(String host, int payloadBytes, int ttl, AddressFamily family) implements ProbeSpec {

        public static Icmp echo(String host) {
            return new Icmp(host, 32, 64, AddressFamily.PREFER_IPV4);
        }
    }

    /**
     * A PostgreSQL server: start-up, authentication and, perhaps, a query.
     *
     * @param username null asks only whether a PostgreSQL server answers, without logging in
     * @param password for clear-text, MD5 and SCRAM-SHA-256 authentication
     * @param query run after login; it must not fail; null runs none
     */
    record Postgres(
            String host,
            int port,
            @Nullable String username,
            @Nullable String password,
            @Nullable String database,
            @Nullable String query,
            @Nullable TlsOptions tls,
            AddressFamily family)
            implements ProbeSpec {

        public static Postgres alive(String host, int port) {
            return new Postgres(host, port, null, null, null, null, null, AddressFamily.PREFER_IPV4);
        }

        @Override
        public String toString() {
            return "Postgres[" + host + ":" + port + "]";
        }
    }

    /**
     * A Redis or Valkey server: AUTH when there is a password, then PING.
     *
     * @param username an ACL user; null authenticates as the default user
     */
    record Redis(
            String host,
            int port,
            @Nullable String username,
            @Nullable String password,
            @Nullable TlsOptions tls,
            AddressFamily family)
            implements ProbeSpec {

        public static Redis ping(String host, int port) {
            return new Redis(host, port, null, null, null, AddressFamily.PREFER_IPV4);
        }

        @Override
        public String toString() {
            return "Redis[" + host + ":" + port + "]";
        }
    }

    /**
     * A command on this machine.
     *
     * @param command the program, found in {@code /usr/local/bin:/usr/bin:/bin}, and its arguments; no shell is between
     * @param environment all of its environment but PATH, HOME, LANG and TMPDIR
     * @param input its standard input
     * @param exitCodes what it may end with
     * @param assertions over its output
     * @param network whether the sandbox shares the machine's network; the address policy does not reach in there
     * @param memoryBytes the address space of each process
     * @param processes how many processes and threads it may have
     * @param hostAccess runs it as this process, with no sandbox: only after the caller has authorised that
     */
    record Command(
            List<String> command,
            Map<String, String> environment,
            @Nullable String input,
            List<Integer> exitCodes,
            List<Assertion> assertions,
            boolean network,
            long memoryBytes,
            int processes,
            boolean hostAccess)
            implements ProbeSpec {

        public Command {
            command = List.copyOf(command);
            environment = Map.copyOf(environment);
            exitCodes = exitCodes.isEmpty() ? List.of(0) : List.copyOf(exitCodes);
            assertions = List.copyOf(assertions);
        }

        /** In the sandbox, without network, 512 MiB and 64 processes, exit code 0. */
        public static Command sandboxed(List<String> command) {
            return new Command(command, Map.of(), null, List.of(), List.of(), false, 512L << 20, 64, false);
        }

        @Override
        public String toString() {
            return "Command" + command.subList(0, Math.min(1, command.size()));
        }
    }
}
