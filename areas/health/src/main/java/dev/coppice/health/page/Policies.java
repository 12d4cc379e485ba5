package dev.coppice.health.page;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient;
import dev.coppice.health.kind.HealthKinds;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/** What the console shows of the NotificationPolicies. */
public record Policies(List<Row> rows, boolean sent) {

    public Policies {
        rows = List.copyOf(rows);
    }

    /** One policy; times as in the status, empty when there is none yet. */
    public record Row(
            String name,
            String namespace,
            String receivers,
            String ready,
            String problem,
            int firing,
            int pending,
            String lastDelivery) {

        /** The CSS class of how it is. */
        public String level() {
            return ready.equals("True") && problem.isEmpty() ? "ok" : ready.isEmpty() ? "off" : "bad";
        }

        /** How it is in a word. */
        public String word() {
            return switch (level()) {
                case "ok" -> "Ready";
                case "off" -> "Unknown";
                default -> ready.equals("True") ? "Failing" : "Invalid";
            };
        }
    }

    /** The policies of the namespaces that the reader may see; {@code sent}: a test was sent just now. */
    static Policies of(ResourceClient resources, Predicate<String> visible, boolean sent) {
        return new Policies(
                resources.list(HealthKinds.NOTIFICATION_POLICY.type(), ResourceClient.Query.ALL).items().stream()
                        .filter(tree -> visible.test(
                                tree.path("metadata").path("namespace").asText()))
                        .map(Policies::row)
                        .toList(),
                sent);
    }

    private static Row row(ObjectNode tree) {
        var status = tree.path("status");
        String ready = "";
        String problem = status.path("lastError").asText("");
        for (var condition : status.path("conditions")) {
            if (condition.path("type").asText().equals("Ready")) {
                ready = condition.path("status").asText();
                problem = ready.equals("True")
                        ? problem
                        : condition.path("message").asText();
            }
        }
        List<String> receivers = StreamSupport.stream(
                        tree.path("spec").path("receivers").spliterator(), false)
                .map(r -> r.path("name").asText())
                .toList();
        return new Row(
                tree.path("metadata").path("name").asText(),
                tree.path("metadata").path("namespace").asText(),
                String.join(", ", receivers),
                ready,
                problem,
                status.path("firing").asInt(),
                status.path("pending").asInt(),
                status.path("lastDelivery").asText(""));
    }
}
