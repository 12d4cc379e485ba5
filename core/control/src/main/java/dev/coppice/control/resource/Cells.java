package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What stands in the columns of the built-in types, as kubectl shows it. */
final class Cells {
    private Cells() {}

    static String usage(ObjectNode quota, boolean limits) {
        JsonNode hard = quota.path("status").path("hard");
        JsonNode used = quota.path("status").path("used");
        return hard.properties().stream()
                .filter(e -> e.getKey().startsWith("limits.") == limits)
                .sorted(Map.Entry.comparingByKey())
                .map(e -> e.getKey() + ": " + used.path(e.getKey()).asText("0") + "/"
                        + e.getValue().asText())
                .collect(Collectors.joining(", "));
    }

    static String nodeStatus(ObjectNode node) {
        String ready = "Unknown";
        for (JsonNode c : node.path("status").path("conditions")) {
            if (c.path("type").asText().equals("Ready")) {
                ready = c.path("status").asText().equals("True") ? "Ready" : "NotReady";
            }
        }
        return node.path("spec").path("unschedulable").asBoolean(false) ? ready + ",SchedulingDisabled" : ready;
    }

    static String nodeRoles(ObjectNode node) {
        String prefix = "node-role.kubernetes.io/";
        String roles = node.path("metadata").path("labels").properties().stream()
                .map(Map.Entry::getKey)
                .filter(k -> k.startsWith(prefix))
                .map(k -> k.substring(prefix.length()))
                .sorted()
                .collect(Collectors.joining(","));
        return roles.isEmpty() ? "<none>" : roles;
    }

    static JsonNode text(String value) {
        return Json.mapper().getNodeFactory().textNode(value);
    }

    static String eventSource(ObjectNode o) {
        String component = o.path("source").path("component").asText("");
        String host = o.path("source").path("host").asText("");
        String from = component.isEmpty() ? o.path("reportingComponent").asText("") : component;
        return host.isEmpty() ? from : from + ", " + host;
    }

    static String lastSeen(ObjectNode o, Instant now) {
        String series = o.path("series").path("lastObservedTime").asText("");
        if (!series.isEmpty()) {
            return Columns.since(series, now);
        }
        String last = o.path("lastTimestamp").asText("");
        return last.isEmpty() || last.equals("null") ? firstSeen(o, now) : Columns.since(last, now);
    }

    static String firstSeen(ObjectNode o, Instant now) {
        String first = o.path("firstTimestamp").asText("");
        String time =
                first.isEmpty() || first.equals("null") ? o.path("eventTime").asText("") : first;
        return Columns.since(time.equals("null") ? "" : time, now);
    }

    static String orNone(String value) {
        return value.isEmpty() ? "<none>" : value;
    }

    static String join(JsonNode labels) {
        return labels.properties().stream()
                .map(e -> e.getKey() + "=" + e.getValue().asText())
                .collect(Collectors.joining(","));
    }

    static String externalAddresses(ObjectNode o) {
        List<String> found = new ArrayList<>();
        for (JsonNode i : o.path("status").path("loadBalancer").path("ingress")) {
            found.add(i.path("ip").asText(i.path("hostname").asText("")));
        }
        found.addAll(Json.list(o.path("spec").path("externalIPs")));
        if (Json.text(o, "spec", "type").equals("ExternalName")) {
            found.add(Json.text(o, "spec", "externalName"));
        }
        return orNone(String.join(",", found));
    }

    static String ports(ObjectNode o) {
        List<String> found = new ArrayList<>();
        for (JsonNode p : o.path("spec").path("ports")) {
            String node = p.path("nodePort").asInt(0) == 0
                    ? ""
                    : ":" + p.path("nodePort").asInt();
            found.add(p.path("port").asInt() + node + "/" + p.path("protocol").asText("TCP"));
        }
        return orNone(String.join(",", found));
    }

    static String slicePorts(ObjectNode o) {
        List<String> found = new ArrayList<>();
        o.path("ports").forEach(p -> found.add(p.path("port").asText("*")));
        return found.isEmpty() ? "<unset>" : String.join(",", found);
    }

    static String sliceAddresses(ObjectNode o) {
        List<String> found = new ArrayList<>();
        o.path("endpoints").forEach(e -> found.addAll(Json.list(e.path("addresses"))));
        return found.isEmpty()
                ? "<unset>"
                : String.join(",", found.subList(0, Math.min(3, found.size())))
                        + (found.size() > 3 ? " + " + (found.size() - 3) + " more..." : "");
    }

    static String subjects(ObjectNode binding, String kind) {
        List<String> found = new ArrayList<>();
        for (JsonNode s : binding.path("subjects")) {
            if (s.path("kind").asText().equals(kind)) {
                String namespace = s.path("namespace").asText("");
                found.add(
                        namespace.isEmpty()
                                ? s.path("name").asText()
                                : namespace + "/" + s.path("name").asText());
            }
        }
        return String.join(", ", found);
    }

    static String orUnset(String value) {
        return value.isEmpty() ? "<unset>" : value;
    }

    static String paramKind(ObjectNode o) {
        JsonNode kind = o.path("spec").path("paramKind");
        return kind.isMissingNode()
                ? "<unset>"
                : kind.path("apiVersion").asText() + "/" + kind.path("kind").asText();
    }
}
