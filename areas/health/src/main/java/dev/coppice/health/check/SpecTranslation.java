package dev.coppice.health.check;

import dev.coppice.health.check.Secrets.MissingSecretException;
import dev.coppice.health.kind.CommandTarget;
import dev.coppice.health.kind.DnsTarget;
import dev.coppice.health.kind.GrpcTarget;
import dev.coppice.health.kind.Header;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HttpAssertion;
import dev.coppice.health.kind.HttpTarget;
import dev.coppice.health.kind.IcmpTarget;
import dev.coppice.health.kind.IpProtocol;
import dev.coppice.health.kind.PostgresTarget;
import dev.coppice.health.kind.RedisTarget;
import dev.coppice.health.kind.TcpTarget;
import dev.coppice.health.kind.TlsOptions;
import dev.coppice.health.kind.TlsTarget;
import dev.coppice.probe.AddressFamily;
import dev.coppice.probe.Assertion;
import dev.coppice.probe.Authorization;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.StatusRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns the target of a check into a specification for the prober, with its secrets read. */
final class SpecTranslation {
    private static final long COMMAND_MEMORY_BYTES = 512L << 20;
    private static final int COMMAND_PROCESSES = 64;

    private final Secrets secrets;
    private final String namespace;

    SpecTranslation(Secrets secrets, String namespace) {
        this.secrets = secrets;
        this.namespace = namespace;
    }

    /** Whether the target refers to secrets, so that it has to be translated anew each time. */
    static boolean readsSecrets(HealthCheckSpec spec) {
        return spec.toString().contains("secretRef=SecretKeyRef");
    }

    /**
     * Translates the target that is given.
     *
     * @param hostAccess whether a command may run without the sandbox
     * @throws IllegalArgumentException in words for the user
     */
    ProbeSpec translate(HealthCheckSpec spec, boolean hostAccess) throws MissingSecretException {
        if (spec.http() != null) {
            return http(spec.http());
        } else if (spec.tcp() != null) {
            return tcp(spec.tcp());
        } else if (spec.tls() != null) {
            return tls(spec.tls());
        } else if (spec.dns() != null) {
            return dns(spec.dns());
        } else if (spec.grpc() != null) {
            return grpc(spec.grpc());
        } else if (spec.icmp() != null) {
            IcmpTarget icmp = spec.icmp();
            return new ProbeSpec.Icmp(icmp.host(), 32, 64, family(icmp.ipProtocol()));
        } else if (spec.postgres() != null) {
            return postgres(spec.postgres());
        } else if (spec.redis() != null) {
            return redis(spec.redis());
        } else if (spec.command() != null) {
            return command(spec.command(), hostAccess);
        }
        throw new IllegalArgumentException("spec: this sort of check is not probed");
    }

    private ProbeSpec http(HttpTarget http) throws MissingSecretException {
        List<StatusRange> statuses = new ArrayList<>();
        for (int i = 0; i < http.expectedStatus().size(); i++) {
            try {
                statuses.add(StatusRange.parse(http.expectedStatus().get(i)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("spec.http.expectedStatus[" + i + "]: " + e.getMessage(), e);
            }
        }
        boolean follow = !Boolean.FALSE.equals(http.followRedirects());
        return ProbeSpec.Http.builder(http.url())
                .method(http.method() == null ? "GET" : http.method())
                .headers(headers(http.headers()))
                .body(secrets.text(namespace, http.body()))
                .authorization(authorization(http))
                .maxRedirects(follow ? or(http.maxRedirects(), 10) : 0)
                .statuses(statuses)
                .assertions(http.assertions().stream()
                        .map(SpecTranslation::assertion)
                        .toList())
                .maxLatency(http.maxLatency())
                .tls(tlsOrDefault(http.tls()))
                .family(family(http.ipProtocol()))
                .bodyLimitBytes(or(http.maxBodyBytes(), 1 << 20))
                .build();
    }

    private @Nullable Authorization authorization(HttpTarget http) throws MissingSecretException {
        if (http.basicAuth() != null) {
            String password = secrets.text(namespace, http.basicAuth().password());
            return new Authorization.Basic(http.basicAuth().username(), password == null ? "" : password);
        }
        String token = secrets.text(namespace, http.bearerToken());
        return token == null ? null : new Authorization.Bearer(token);
    }

    private static Assertion assertion(HttpAssertion a) {
        if (a.contains() != null) {
            return new Assertion.BodyContains(a.contains(), false);
        } else if (a.notContains() != null) {
            return new Assertion.BodyContains(a.notContains(), true);
        } else if (a.regex() != null) {
            return new Assertion.BodyMatches(a.regex(), false);
        } else if (a.notRegex() != null) {
            return new Assertion.BodyMatches(a.notRegex(), true);
        } else if (a.cel() != null) {
            return new Assertion.Expression(a.cel());
        } else if (a.header() != null) {
            String regex = a.matches() != null ? a.matches() : "^" + quoted(String.valueOf(a.equals())) + "$";
            return new Assertion.HeaderMatches(a.header(), regex, false, false);
        }
        String path = String.valueOf(a.jsonPath());
        if (a.matches() != null) {
            return new Assertion.JsonPathValue(path, Assertion.Comparison.MATCHES, a.matches());
        }
        return a.equals() == null
                ? new Assertion.JsonPathValue(path, Assertion.Comparison.PRESENT, "")
                : new Assertion.JsonPathValue(path, Assertion.Comparison.EQUAL, a.equals());
    }

    private static String quoted(String text) {
        return com.google.re2j.Pattern.quote(text);
    }

    private ProbeSpec tcp(TcpTarget tcp) throws MissingSecretException {
        List<ProbeSpec.Tcp.Step> steps = tcp.steps().stream()
                .map(s -> new ProbeSpec.Tcp.Step(s.expect(), s.send(), Boolean.TRUE.equals(s.startTls())))
                .toList();
        return new ProbeSpec.Tcp(
                tcp.host(), or(tcp.port(), 0), tlsOptions(tcp.tls()), steps, AddressFamily.PREFER_IPV4);
    }

    private ProbeSpec tls(TlsTarget tls) throws MissingSecretException {
        return new ProbeSpec.Tls(
                tls.host(),
                or(tls.port(), 443),
                tlsOrDefault(tls.tls()),
                Duration.ofDays(or(tls.minDays(), 14)),
                AddressFamily.PREFER_IPV4);
    }

    private static ProbeSpec dns(DnsTarget dns) {
        String server = dns.server();
        if (server != null && dns.port() != null && dns.port() != 53) {
            server = (server.contains(":") && !server.startsWith("[") ? "[" + server + "]" : server) + ":" + dns.port();
        }
        return new ProbeSpec.Dns(
                dns.name(),
                dns.recordType() == null ? "A" : dns.recordType(),
                server,
                "tcp".equals(dns.transport()) ? ProbeSpec.Dns.Transport.TCP : ProbeSpec.Dns.Transport.UDP,
                true,
                dns.expectedCode() == null ? List.of() : List.of(dns.expectedCode()),
                dns.expectedAnswers(),
                false,
                List.of(),
                AddressFamily.PREFER_IPV4);
    }

    private ProbeSpec grpc(GrpcTarget grpc) throws MissingSecretException {
        return new ProbeSpec.Grpc(
                grpc.host(),
                or(grpc.port(), 0),
                grpc.service() == null ? "" : grpc.service(),
                tlsOptions(grpc.tls()),
                Map.of(),
                AddressFamily.PREFER_IPV4);
    }

    private ProbeSpec postgres(PostgresTarget postgres) throws MissingSecretException {
        String password = secrets.text(namespace, postgres.password());
        return new ProbeSpec.Postgres(
                postgres.host(),
                or(postgres.port(), 5432),
                password == null ? null : postgres.user() == null ? "postgres" : postgres.user(),
                password,
                postgres.database() == null ? "postgres" : postgres.database(),
                null,
                tlsOptions(postgres.tls()),
                AddressFamily.PREFER_IPV4);
    }

    private ProbeSpec redis(RedisTarget redis) throws MissingSecretException {
        return new ProbeSpec.Redis(
                redis.host(),
                or(redis.port(), 6379),
                redis.user(),
                secrets.text(namespace, redis.password()),
                tlsOptions(redis.tls()),
                AddressFamily.PREFER_IPV4);
    }

    private ProbeSpec command(CommandTarget command, boolean hostAccess) throws MissingSecretException {
        List<Assertion> assertions = command.outputContains() == null
                ? List.of()
                : List.of(new Assertion.BodyContains(command.outputContains(), false));
        return new ProbeSpec.Command(
                command.command(),
                headers(command.environment()),
                null,
                List.of(or(command.expectedExitCode(), 0)),
                assertions,
                Boolean.TRUE.equals(command.network()),
                COMMAND_MEMORY_BYTES,
                COMMAND_PROCESSES,
                hostAccess);
    }

    private Map<String, String> headers(List<Header> headers) throws MissingSecretException {
        Map<String, String> result = new LinkedHashMap<>();
        for (Header header : headers) {
            result.put(header.name(), secrets.text(namespace, header.value(), header.secretRef()));
        }
        return result;
    }

    private dev.coppice.probe.TlsOptions tlsOrDefault(@Nullable TlsOptions tls) throws MissingSecretException {
        dev.coppice.probe.TlsOptions options = tlsOptions(tls);
        return options == null ? dev.coppice.probe.TlsOptions.DEFAULT : options;
    }

    private dev.coppice.probe.@Nullable TlsOptions tlsOptions(@Nullable TlsOptions tls) throws MissingSecretException {
        return tls == null
                ? null
                : new dev.coppice.probe.TlsOptions(
                        secrets.text(namespace, tls.ca()),
                        tls.serverName(),
                        Boolean.TRUE.equals(tls.insecureSkipVerify()),
                        secrets.text(namespace, tls.clientCertificate()),
                        secrets.text(namespace, tls.clientKey()),
                        "TLSv1.2");
    }

    private static AddressFamily family(@Nullable IpProtocol protocol) {
        return switch (protocol == null ? IpProtocol.any : protocol) {
            case any -> AddressFamily.PREFER_IPV4;
            case ip4 -> AddressFamily.ONLY_IPV4;
            case ip6 -> AddressFamily.ONLY_IPV6;
        };
    }

    private static int or(@Nullable Integer value, int otherwise) {
        return value == null ? otherwise : value;
    }
}
