package dev.coppice.store.etcd;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Routes;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.RangeRequest;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What etcd serves for those who ask whether it is well: {@code /health} with its JSON, and {@code /livez} and {@code /readyz} with
 * their single checks below them. Status 503 when it is not.
 *
 * @see <a href="https://etcd.io/docs/v3.5/op-guide/monitoring/">health checks</a>
 */
final class HealthChecks {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PLAIN = "text/plain; charset=utf-8";

    /** Looks at one thing; gives what is wrong, or null. */
    private interface Check {
        @Nullable
        String problem();
    }

    private final Counter successes = Counter.builder()
            .name("etcd_server_health_success_total")
            .help("Health checks that went well.")
            .build();
    private final Counter failures = Counter.builder()
            .name("etcd_server_health_failures_total")
            .help("Health checks that failed.")
            .build();
    private final MemberKeyspace keyspace;
    private final Map<String, Check> live = new LinkedHashMap<>();
    private final Map<String, Check> ready = new LinkedHashMap<>();

    HealthChecks(MemberKeyspace keyspace) {
        this.keyspace = keyspace;
        live.put("serializable_read", () -> read(true));
        ready.put("data_corruption", () -> alarms(List.of(AlarmType.NOSPACE.name())));
        ready.put("serializable_read", () -> read(true));
        ready.put("linearizable_read", () -> read(false));
        ready.put("non_learner", () -> null);
    }

    List<MetricSnapshot> collect() {
        return List.of(successes.collect(), failures.collect());
    }

    void mount(Routes routes) {
        var _ = routes.mount("/health", this::health);
        var _ = routes.mount("/livez", exchange -> answer(exchange, "/livez", live));
        var _ = routes.mount("/readyz", exchange -> answer(exchange, "/readyz", ready));
    }

    // ---- what is looked at

    private @Nullable String read(boolean serializable) {
        try {
            var unused = keyspace.range(RangeRequest.newBuilder()
                    .setKey(ByteString.copyFromUtf8("a"))
                    .setSerializable(serializable)
                    .build());
            return null;
        } catch (StoreException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private @Nullable String alarms(List<String> excluded) {
        try {
            for (AlarmType alarm : keyspace.space().alarms()) {
                if (!excluded.contains(alarm.name())) {
                    return "ALARM " + (alarm == AlarmType.NONE ? "UNKNOWN" : alarm);
                }
            }
            return null;
        } catch (StoreException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private boolean leaderless() {
        return !keyspace.store().led();
    }

    // ---- answers

    private static boolean get(Exchange exchange) throws IOException {
        if (exchange.method().equals("GET")) {
            return true;
        }
        exchange.status(405).setHeader("Allow", "GET").send(PLAIN, "Method Not Allowed\n");
        return false;
    }

    private void health(Exchange exchange) throws IOException {
        if (!get(exchange)) {
            return;
        }
        List<String> excluded = exchange.queries().getOrDefault("exclude", List.of());
        boolean serializable = exchange.query("serializable").orElse("").equals("true");
        String reason = alarms(excluded);
        if (reason == null && !serializable && leaderless()) {
            reason = "RAFT NO LEADER";
        }
        if (reason == null) {
            String failure = read(serializable);
            reason = failure == null ? null : "RANGE ERROR:" + failure;
        }
        if (reason == null && !excluded.contains(AlarmType.NOSPACE.name())) {
            reason = keyspace.store()
                    .refusal()
                    .map(refusal -> "the store cannot serve: " + refusal.getMessage())
                    .orElse(null);
        }
        String body = JSON.createObjectNode()
                .put("health", reason == null ? "true" : "false")
                .put("reason", reason == null ? "" : reason)
                .toString();
        (reason == null ? successes : failures).inc();
        exchange.status(reason == null ? 200 : 503).send(PLAIN, body);
    }

    private static void answer(Exchange exchange, String path, Map<String, Check> checks) throws IOException {
        if (!get(exchange)) {
            return;
        }
        String single = exchange.path().substring(path.length()).replaceFirst("^/", "");
        if (!single.isEmpty() && !checks.containsKey(single)) {
            exchange.status(404).send(PLAIN, "there is no such check; there are " + checks.keySet() + "\n");
            return;
        }
        List<String> excluded = exchange.queries().getOrDefault("exclude", List.of());
        StringBuilder lines = new StringBuilder();
        boolean well = true;
        for (Map.Entry<String, Check> each : checks.entrySet()) {
            if (!single.isEmpty() && !single.equals(each.getKey())) {
                continue;
            }
            String problem =
                    excluded.contains(each.getKey()) ? null : each.getValue().problem();
            lines.append(problem == null ? "[+]" : "[-]")
                    .append(each.getKey())
                    .append(problem == null ? " ok\n" : " failed: " + problem + "\n");
            well &= problem == null;
        }
        if (!well) {
            exchange.status(503).send(PLAIN, lines + path + " check failed\n");
        } else {
            exchange.send(PLAIN, (exchange.query("verbose").isPresent() ? lines : "") + "ok\n");
        }
    }
}
