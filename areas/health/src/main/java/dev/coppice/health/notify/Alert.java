package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.State;
import dev.coppice.health.kind.Severity;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A check as notifications see it.
 *
 * @param firing whether there is a problem to tell
 * @param muted whether nothing is to be told about it for now: suppressed, in maintenance, paused, unknown
 */
public record Alert(
        Key key,
        String uid,
        String state,
        boolean firing,
        boolean muted,
        Severity severity,
        String group,
        String type,
        String description,
        String message,
        Instant since,
        Map<String, String> labels) {

    public Alert {
        labels = Map.copyOf(labels);
    }

    static Alert of(CheckView view, boolean includeDegraded) {
        State state = view.machine().state();
        boolean flapping = view.machine().flapping();
        boolean muted = switch (state) {
            case State.Suppressed ignored -> true;
            case State.Maintenance ignored -> true;
            case State.Paused ignored -> true;
            case State.Unknown ignored -> true;
            case State.Up ignored -> false;
            case State.Degraded ignored -> false;
            case State.Down ignored -> false;
        };
        boolean bad = state instanceof State.Down || (includeDegraded && state instanceof State.Degraded);
        String description = view.plan().spec().description();
        String reason = state.reason().isEmpty() ? view.machine().lastError() : state.reason();
        return new Alert(
                view.key(),
                view.plan().uid(),
                flapping ? "Flapping" : state.word(),
                !muted && (bad || flapping),
                muted,
                view.plan().severity(),
                view.plan().group(),
                view.plan().type(),
                description == null ? "" : description,
                reason,
                view.machine().since(),
                view.plan().labels());
    }

    Alert resolved(Instant at) {
        return new Alert(
                key,
                uid,
                "Up",
                false,
                false,
                severity,
                group,
                type,
                description,
                message,
                since.isAfter(at) ? at : since,
                labels);
    }

    ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("namespace", key.namespace());
        node.put("name", key.name());
        node.put("uid", uid);
        node.put("state", state);
        node.put("firing", firing);
        node.put("severity", severity.name());
        node.put("group", group);
        node.put("type", type);
        node.put("description", description);
        node.put("message", message.length() > 2000 ? message.substring(0, 2000) + "…" : message);
        node.put("since", since.toString());
        ObjectNode all = node.putObject("labels");
        labels.forEach(all::put);
        return node;
    }

    static Alert read(JsonNode node) {
        Map<String, String> labels = new LinkedHashMap<>();
        node.path("labels")
                .properties()
                .forEach(e -> labels.put(e.getKey(), e.getValue().asText()));
        return new Alert(
                new Key(node.path("namespace").asText(), node.path("name").asText()),
                node.path("uid").asText(),
                node.path("state").asText(),
                node.path("firing").asBoolean(),
                false,
                Severity.valueOf(node.path("severity").asText("critical")),
                node.path("group").asText(),
                node.path("type").asText(),
                node.path("description").asText(),
                node.path("message").asText(),
                Instant.parse(node.path("since").asText()),
                labels);
    }
}
