package dev.coppice.control.history;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.Trigger;
import dev.coppice.control.request.Json;
import java.time.Instant;
import java.util.Locale;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Changes as the API shows them. */
public final class ChangeTree {
    static final String API_VERSION = "history.coppice.dev/v1";
    static final String HIDDEN = "(hidden)";

    private ChangeTree() {}

    /** A change; what set it off is named if {@code mayRead} says so. */
    static ObjectNode of(Entry entry, Predicate<Trigger.Change> mayRead) {
        ObjectNode tree = Json.object().put("kind", "Change").put("apiVersion", API_VERSION);
        tree.put("time", Instant.ofEpochMilli(entry.timeMillis()).toString());
        tree.put("resourceVersion", Long.toString(entry.revision()));
        if (entry.previous() > 0) {
            tree.put("previousResourceVersion", Long.toString(entry.previous()));
        }
        tree.put("operation", entry.operation().name().toLowerCase(Locale.ROOT)).put("verb", entry.verb());
        Entry.Subject s = entry.subject();
        ObjectNode object = tree.putObject("object");
        object.put("group", s.group()).put("version", s.version()).put("resource", s.plural());
        object.put("kind", s.kind())
                .put("namespace", s.namespace())
                .put("name", s.name())
                .put("uid", s.uid());
        optional(tree, "subresource", entry.subresource());
        tree.put("user", entry.author().user());
        optional(tree, "userAgent", entry.author().agent());
        optional(tree, "fieldManager", entry.author().manager());
        optional(tree, "requestID", entry.author().requestId());
        ArrayNode because = tree.putArray("because");
        entry.triggers().forEach(each -> because.add(trigger(each, mayRead)));
        tree.set("fields", Json.array(entry.fields()));
        Difference difference = entry.difference();
        if (difference == null) {
            tree.put("incomplete", "the difference was too large for the journal, or the key that sealed it is gone");
        } else {
            tree.set("diff", difference(difference, s.secret()));
        }
        return tree;
    }

    private static void optional(ObjectNode tree, String name, String value) {
        if (!value.isEmpty()) {
            tree.put(name, value);
        }
    }

    /** The fields that differ; values of a secret are hidden. */
    public static ArrayNode difference(Difference difference, boolean secret) {
        ArrayNode all = Json.array();
        for (Difference.Field each : difference.fields()) {
            ObjectNode one = all.addObject().put("field", each.shown());
            put(one, "before", each, each.before(), secret);
            put(one, "after", each, each.after(), secret);
        }
        return all;
    }

    private static void put(
            ObjectNode to, String name, Difference.Field field, @Nullable JsonNode value, boolean secret) {
        if (value != null) {
            to.set(name, secret ? shown(field, value) : value);
        }
    }

    /** What may be seen of a secret: its names, labels and the like; not its values, nor the copy that kubectl apply makes. */
    private static JsonNode shown(Difference.Field field, JsonNode value) {
        String top = field.path().getFirst().toString();
        boolean open = top.equals("kind") || top.equals("apiVersion") || top.equals("type") || top.equals("immutable");
        if (open) {
            return value;
        }
        if (!top.equals("metadata")) {
            return hidden(value);
        }
        if (field.path().size() > 1 && !field.path().get(1).equals("annotations")) {
            return value;
        }
        if (field.path().size() > 1) {
            return hidden(value);
        }
        ObjectNode metadata = value.deepCopy();
        if (metadata.has("annotations")) {
            metadata.set("annotations", hidden(metadata.path("annotations")));
        }
        return metadata;
    }

    private static JsonNode hidden(JsonNode value) {
        if (value instanceof ObjectNode object) {
            ObjectNode names = Json.object();
            object.fieldNames().forEachRemaining(name -> names.put(name, HIDDEN));
            return names;
        }
        return Json.object().textNode(HIDDEN);
    }

    private static ObjectNode trigger(Trigger trigger, Predicate<Trigger.Change> mayRead) {
        ObjectNode tree = Json.object();
        switch (trigger) {
            case Trigger.Change change -> {
                ResourceType type = change.type();
                tree.put("type", "Change").put("group", type.group()).put("resource", type.plural());
                if (mayRead.test(change)) {
                    tree.put("namespace", change.namespace())
                            .put("name", change.name())
                            .put("resourceVersion", change.resourceVersion());
                } else {
                    tree.put("name", HIDDEN);
                }
            }
            case Trigger.Timer(String owner, String key) ->
                tree.put("type", "Timer").put("owner", owner).put("name", key);
            case Trigger.Event(String what) -> tree.put("type", "Event").put("what", what);
        }
        return tree;
    }
}
