package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One notification to one receiver, as it waits in the outbox.
 *
 * @param id never used twice; receivers can tell a repeated delivery by it
 * @param policy whose it is
 * @param receiver its name in the policy
 * @param groupKey which group of checks it is about
 * @param groupLabels what its checks have in common
 * @param sort why it is sent
 * @param alerts firing ones first
 * @param attempts deliveries that failed
 * @param nextAttempt not before this
 */
public record Notification(
        String id,
        Key policy,
        String policyUid,
        String receiver,
        String groupKey,
        Map<String, String> groupLabels,
        Sort sort,
        List<Alert> alerts,
        Instant created,
        int attempts,
        Instant nextAttempt) {

    /** Why a notification is sent. */
    public enum Sort {
        CHANGE,
        REMINDER,
        TEST
    }

    public Notification {
        groupLabels = Map.copyOf(groupLabels);
        alerts = List.copyOf(alerts);
    }

    /** Whether anything in it is still a problem. */
    public boolean firing() {
        return alerts.stream().anyMatch(Alert::firing);
    }

    Notification failed(Instant next) {
        return new Notification(
                id, policy, policyUid, receiver, groupKey, groupLabels, sort, alerts, created, attempts + 1, next);
    }

    ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", id);
        node.put("namespace", policy.namespace());
        node.put("policy", policy.name());
        node.put("policyUid", policyUid);
        node.put("receiver", receiver);
        node.put("groupKey", groupKey);
        ObjectNode labels = node.putObject("groupLabels");
        groupLabels.forEach(labels::put);
        node.put("sort", sort.name());
        ArrayNode all = node.putArray("alerts");
        alerts.forEach(a -> all.add(a.json()));
        node.put("created", created.toString());
        node.put("attempts", attempts);
        node.put("nextAttempt", nextAttempt.toString());
        return node;
    }

    static Notification read(JsonNode node) {
        Map<String, String> labels = new LinkedHashMap<>();
        node.path("groupLabels")
                .properties()
                .forEach(e -> labels.put(e.getKey(), e.getValue().asText()));
        List<Alert> alerts = new ArrayList<>();
        node.path("alerts").forEach(a -> alerts.add(Alert.read(a)));
        return new Notification(
                node.path("id").asText(),
                new Key(node.path("namespace").asText(), node.path("policy").asText()),
                node.path("policyUid").asText(),
                node.path("receiver").asText(),
                node.path("groupKey").asText(),
                labels,
                Sort.valueOf(node.path("sort").asText("CHANGE")),
                alerts,
                Instant.parse(node.path("created").asText()),
                node.path("attempts").asInt(),
                Instant.parse(node.path("nextAttempt").asText()));
    }
}
