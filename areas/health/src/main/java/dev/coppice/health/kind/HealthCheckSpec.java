package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Rule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is checked, how often, and when it counts as failed. */
@Description(
        "What is checked, how often, and when it counts as failed. Exactly one of http, tcp, tls, dns, grpc, icmp, postgres,"
                + " redis, command, heartbeat and composite.")
@Rule(
        value = "[has(self.http), has(self.tcp), has(self.tls), has(self.dns), has(self.grpc), has(self.icmp),"
                + " has(self.postgres), has(self.redis), has(self.command), has(self.heartbeat), has(self.composite)]"
                + ".filter(x, x).size() == 1",
        message =
                "exactly one of http, tcp, tls, dns, grpc, icmp, postgres, redis, command, heartbeat and composite must be given")
public record HealthCheckSpec(
        @Description("Sends an HTTP or HTTPS request.") @Nullable
        HttpTarget http,

        @Description("Opens a TCP connection.") @Nullable TcpTarget tcp,

        @Description("Does a TLS handshake and looks at the certificate.") @Nullable
        TlsTarget tls,

        @Description("Asks the DNS.") @Nullable DnsTarget dns,

        @Description("Asks a gRPC server by the gRPC health checking protocol.") @Nullable
        GrpcTarget grpc,

        @Description("Sends an ICMP echo request (ping).") @Nullable
        IcmpTarget icmp,

        @Description("Connects to a PostgreSQL server.") @Nullable
        PostgresTarget postgres,

        @Description("Pings a Redis or Valkey server.") @Nullable
        RedisTarget redis,

        @Description("Runs a command.") @Nullable CommandTarget command,
        @Description("Waits to be called.") @Nullable HeartbeatTarget heartbeat,
        @Description("Sums up other checks.") @Nullable CompositeTarget composite,

        @Default("\"30s\"") @Description("Time between two checks, 1s at least.") @Nullable
        Duration interval,

        @Default("\"0s\"")
        @Description("Each check comes up to so much later, at random. Checks are spread over the interval anyway.")
        @Nullable
        Duration jitter,

        @Default("\"10s\"") @Description("How long one attempt may take.") @Nullable
        Duration timeout,

        @Default("0")
        @Minimum(0)
        @Maximum(10)
        @Description("Further attempts within the interval before a check counts as failed.")
        @Nullable
        Integer retries,

        @Default("\"1s\"") @Description("Time between two attempts.") @Nullable
        Duration retryDelay,

        @Default("1") @Minimum(1) @Maximum(100) @Description("So many failures in a row make the check Down.") @Nullable
        Integer failureThreshold,

        @Default("1")
        @Minimum(1)
        @Maximum(100)
        @Description("So many successes in a row make a failed check Up again.")
        @Nullable
        Integer successThreshold,

        @Description("A success that takes longer than this makes the check Degraded.") @Nullable
        Duration degradedAfter,

        @Description("When a check counts as flapping.") @Nullable
        FlapDetection flapDetection,

        @Length(max = 64)
        @Description("Checks that this one needs. While one of them fails, a failure of this one is Suppressed.")
        List<Dependency> dependsOn,

        @Length(max = 64)
        @Description("Windows in which failures are expected. Checks go on, but nobody is told and they do not count.")
        List<TimeWindow> maintenance,

        @Default("false") @Description("Stops checking until it is set to false again.") @Nullable
        Boolean paused,

        @Default("\"critical\"") @Description("How bad a failure is: info, warning or critical.") @Nullable
        Severity severity,

        @Length(max = 128) @Description("The group under which pages show the check.") @Nullable
        String group,

        @Length(max = 1024) @Description("What the check is about; shown on pages and in notifications.") @Nullable
        String description,

        @Length(max = 253)
        @Description("A HostAccessClass that permits targets at link-local and metadata addresses. The namespace's"
                + " ServiceAccounts must be granted the RBAC verb use on it.")
        @Nullable
        String hostAccessClassName) {

    public HealthCheckSpec {
        dependsOn = Lists.copy(dependsOn);
        maintenance = Lists.copy(maintenance);
    }

    public Duration intervalOrDefault() {
        return interval == null ? Duration.ofSeconds(30) : interval;
    }

    public Duration timeoutOrDefault() {
        return timeout == null ? Duration.ofSeconds(10) : timeout;
    }

    public Severity severityOrDefault() {
        return severity == null ? Severity.critical : severity;
    }

    public String groupOrDefault() {
        return group == null ? "" : group;
    }

    /** The sort of check: the name of the field that is given, or empty when none or several are. */
    public String type() {
        List<String> given = types();
        return given.size() == 1 ? given.getFirst() : "";
    }

    /** The names of all targets that are given; a valid check has exactly one. */
    public List<String> types() {
        List<String> given = new ArrayList<>();
        add(given, "http", http);
        add(given, "tcp", tcp);
        add(given, "tls", tls);
        add(given, "dns", dns);
        add(given, "grpc", grpc);
        add(given, "icmp", icmp);
        add(given, "postgres", postgres);
        add(given, "redis", redis);
        add(given, "command", command);
        add(given, "heartbeat", heartbeat);
        add(given, "composite", composite);
        return given;
    }

    private static void add(List<String> given, String name, @Nullable Object target) {
        if (target != null) {
            given.add(name);
        }
    }

    /** What is checked, in a few words for people; no secrets. */
    public String target() {
        if (http != null) {
            return http.url();
        } else if (tcp != null) {
            return tcp.host() + ":" + tcp.port();
        } else if (tls != null) {
            return tls.host() + ":" + (tls.port() == null ? 443 : tls.port());
        } else if (dns != null) {
            return dns.name() + " " + (dns.recordType() == null ? "A" : dns.recordType());
        } else if (grpc != null) {
            return grpc.host() + ":" + grpc.port() + (grpc.service() == null ? "" : "/" + grpc.service());
        } else if (icmp != null) {
            return icmp.host();
        } else if (postgres != null) {
            return postgres.host() + ":" + (postgres.port() == null ? 5432 : postgres.port());
        } else if (redis != null) {
            return redis.host() + ":" + (redis.port() == null ? 6379 : redis.port());
        } else if (command != null) {
            return String.join(" ", command.command());
        } else if (composite != null) {
            return compositeTarget(composite);
        }
        return "";
    }

    private static String compositeTarget(CompositeTarget composite) {
        String of = composite.checks().isEmpty() ? "selected checks" : String.join(", ", composite.checks());
        CompositeTarget.Rule rule = composite.rule() == null ? CompositeTarget.Rule.All : composite.rule();
        return switch (rule) {
            case All -> "all of " + of;
            case Any -> "any of " + of;
            case AtLeast -> "at least " + composite.atLeast() + " of " + of;
        };
    }
}
