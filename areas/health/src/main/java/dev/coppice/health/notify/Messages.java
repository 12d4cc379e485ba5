package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.health.kind.Severity;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The texts and bodies of notifications: pure. */
final class Messages {
    private static final String NEVER = "0001-01-01T00:00:00Z";

    private Messages() {}

    /** One line for people. */
    static String subject(Notification n) {
        List<Alert> firing = n.alerts().stream().filter(Alert::firing).toList();
        if (n.sort() == Notification.Sort.TEST) {
            return "[TEST] notification policy " + n.policy();
        }
        String where = firing.isEmpty() ? names(n.alerts()) : names(firing);
        String prefix = firing.isEmpty() ? "[RESOLVED] " : "[FIRING:" + firing.size() + "] ";
        return prefix + where + (n.sort() == Notification.Sort.REMINDER ? " (reminder)" : "");
    }

    private static String names(List<Alert> alerts) {
        StringBuilder text = new StringBuilder();
        for (Alert alert : alerts.subList(0, Math.min(3, alerts.size()))) {
            text.append(text.isEmpty() ? "" : ", ").append(alert.key());
        }
        return alerts.size() > 3 ? text + " and " + (alerts.size() - 3) + " more" : text.toString();
    }

    /** A few lines for people. */
    static String text(Notification n) {
        StringBuilder text = new StringBuilder();
        for (Alert alert : n.alerts()) {
            text.append(alert.firing() ? "● " : "✓ ")
                    .append(alert.key())
                    .append(" is ")
                    .append(alert.state());
            if (alert.firing()) {
                text.append(" since ").append(alert.since());
                if (!alert.message().isEmpty()) {
                    text.append(": ").append(alert.message());
                }
            }
            text.append('\n');
            if (!alert.description().isEmpty()) {
                text.append("    ").append(alert.description()).append('\n');
            }
        }
        return text.toString();
    }

    /** Alertmanager's webhook body, version 4. */
    static ObjectNode webhook(Notification n) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("version", "4");
        body.put("groupKey", n.groupKey());
        body.put("truncatedAlerts", 0);
        body.put("status", n.firing() ? "firing" : "resolved");
        body.put("receiver", n.receiver());
        ObjectNode group = body.putObject("groupLabels");
        new TreeMap<>(n.groupLabels()).forEach(group::put);
        ObjectNode common = body.putObject("commonLabels");
        commonLabels(n).forEach(common::put);
        body.putObject("commonAnnotations");
        body.put("externalURL", "");
        body.put("notificationId", n.id());
        ArrayNode alerts = body.putArray("alerts");
        n.alerts().forEach(a -> alerts.add(alert(a, n)));
        return body;
    }

    private static Map<String, String> commonLabels(Notification n) {
        Map<String, String> common = null;
        for (Alert alert : n.alerts()) {
            Map<String, String> labels = labels(alert, n);
            if (common == null) {
                common = labels;
            } else {
                common.entrySet().retainAll(labels.entrySet());
            }
        }
        return common == null ? Map.of() : common;
    }

    private static Map<String, String> labels(Alert alert, Notification n) {
        Map<String, String> labels = new TreeMap<>();
        labels.put("alertname", n.sort() == Notification.Sort.TEST ? "CoppiceTest" : "HealthCheckFailing");
        labels.put("namespace", alert.key().namespace());
        labels.put("check", alert.key().name());
        labels.put("severity", alert.severity().name());
        labels.put("type", alert.type());
        if (!alert.group().isEmpty()) {
            labels.put("group", alert.group());
        }
        alert.labels().forEach((k, v) -> labels.putIfAbsent(k.replaceAll("[^a-zA-Z0-9_]", "_"), v));
        return labels;
    }

    private static ObjectNode alert(Alert alert, Notification n) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("status", alert.firing() ? "firing" : "resolved");
        ObjectNode labels = node.putObject("labels");
        labels(alert, n).forEach(labels::put);
        ObjectNode annotations = node.putObject("annotations");
        annotations.put("summary", alert.key() + " is " + alert.state());
        if (!alert.message().isEmpty()) {
            annotations.put("message", alert.message());
        }
        if (!alert.description().isEmpty()) {
            annotations.put("description", alert.description());
        }
        node.put("startsAt", alert.since().toString());
        node.put("endsAt", alert.firing() ? NEVER : n.created().toString());
        node.put("generatorURL", "");
        node.put("fingerprint", alert.uid());
        return node;
    }

    /** A message for Slack's incoming webhooks and what is compatible with them. */
    static ObjectNode slack(Notification n) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("text", escaped(subject(n)));
        ObjectNode attachment = body.putArray("attachments").addObject();
        attachment.put("color", n.firing() ? worst(n) == Severity.critical ? "danger" : "warning" : "good");
        attachment.put("text", escaped(text(n)));
        attachment.put("fallback", escaped(subject(n)));
        attachment.put("ts", n.created().getEpochSecond());
        return body;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private static Severity worst(Notification n) {
        return n.alerts().stream().map(Alert::severity).max(Severity::compareTo).orElse(Severity.info);
    }

    /** An event of PagerDuty's Events API v2: one for each check. */
    static ObjectNode pagerDuty(Notification n, Alert alert, String routingKey) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("routing_key", routingKey);
        body.put("event_action", alert.firing() ? "trigger" : "resolve");
        body.put("dedup_key", "coppice/" + n.policyUid() + "/" + alert.uid());
        ObjectNode payload = body.putObject("payload");
        String summary =
                alert.key() + " is " + alert.state() + (alert.message().isEmpty() ? "" : ": " + alert.message());
        payload.put("summary", summary.length() > 1024 ? summary.substring(0, 1024) : summary);
        payload.put("source", alert.key().toString());
        payload.put("severity", alert.severity().name());
        payload.put("timestamp", instant(alert.since()));
        payload.put("component", alert.key().name());
        payload.put("group", alert.group());
        payload.put("class", alert.type());
        ObjectNode details = payload.putObject("custom_details");
        details.put("namespace", alert.key().namespace());
        details.put("description", alert.description());
        details.put("notification", n.id());
        return body;
    }

    private static String instant(Instant instant) {
        return instant.toString();
    }
}
