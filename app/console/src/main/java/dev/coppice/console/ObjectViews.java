package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.console.ResourcePages.ConditionRow;
import dev.coppice.console.ResourcePages.EventRow;
import dev.coppice.console.ResourcePages.ObjectView;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.ServedType;
import dev.coppice.serving.Identity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Looks up what an object's page shows. Secrets' values never leave it. */
record ObjectViews(ResourceClient resources, Authorizer authorizer) {
    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");
    private static final ResourceType SECRETS = new ResourceType("", "v1", "secrets");
    private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
    private static final String MASK = "••••••••";
    private static final int MAX_EVENTS = 50;

    ObjectView view(Identity identity, ServedType served, String namespace, String name) {
        Optional<ObjectNode> found = resources.get(served.type(), namespace, name);
        ObjectNode object = found.map(tree -> presentable(served.type(), tree)).orElse(null);
        String href = ResourcePages.href(served.type(), namespace, name);
        String historyHref = HistoryPages.href(served.type(), namespace, name);
        String listHref = ResourcePages.href(served.type());
        if (object == null) {
            return new ObjectView(
                    served.kind(),
                    namespace,
                    name,
                    listHref,
                    href,
                    historyHref,
                    true,
                    false,
                    "",
                    List.of(),
                    List.of(),
                    List.of(),
                    "",
                    List.of());
        }
        JsonNode metadata = object.path("metadata");
        List<String> owners = new ArrayList<>();
        metadata.path("ownerReferences")
                .forEach(owner -> owners.add(
                        owner.path("kind").asText() + "/" + owner.path("name").asText()));
        return new ObjectView(
                served.kind(),
                namespace,
                name,
                listHref,
                href,
                historyHref,
                false,
                metadata.hasNonNull("deletionTimestamp"),
                metadata.path("creationTimestamp").asText(""),
                ResourcePages.texts(metadata.path("labels")),
                owners,
                conditions(object),
                YamlView.html(object),
                events(identity, served, namespace, name, metadata.path("uid").asText("")));
    }

    /** A copy without bookkeeping, with a Secret's values masked. */
    static ObjectNode presentable(ResourceType type, ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        if (copy.get("metadata") instanceof ObjectNode metadata) {
            metadata.remove("managedFields");
            if (type.equals(SECRETS) && metadata.get("annotations") instanceof ObjectNode annotations) {
                annotations.remove(LAST_APPLIED);
            }
        }
        if (type.equals(SECRETS)) {
            for (String part : List.of("data", "stringData")) {
                if (copy.get(part) instanceof ObjectNode values) {
                    List<String> keys = new ArrayList<>();
                    values.fieldNames().forEachRemaining(keys::add);
                    keys.forEach(key -> values.put(key, MASK));
                }
            }
        }
        return copy;
    }

    private static List<ConditionRow> conditions(ObjectNode object) {
        List<ConditionRow> rows = new ArrayList<>();
        for (JsonNode condition : object.path("status").path("conditions")) {
            String status = condition.path("status").asText("");
            rows.add(new ConditionRow(
                    condition.path("type").asText(""),
                    status,
                    status.equals("True") ? "ok" : status.equals("False") ? "bad" : "warn",
                    condition.path("reason").asText(""),
                    condition.path("message").asText(""),
                    condition.path("lastTransitionTime").asText("")));
        }
        return rows;
    }

    private List<EventRow> events(Identity identity, ServedType served, String namespace, String name, String uid) {
        String where = namespace.isEmpty() ? "default" : namespace;
        if (served.type().plural().equals("events")
                || !authorizer
                        .authorize(identity, new Authorizer.Action("list", "", "events", where, ""))
                        .allowed()) {
            return List.of();
        }
        try {
            return resources.list(EVENTS, new Query(where, "", "involvedObject.name=" + name)).items().stream()
                    .filter(event ->
                            event.path("involvedObject").path("kind").asText().equals(served.kind()))
                    .filter(event -> {
                        String about = event.path("involvedObject").path("uid").asText("");
                        return about.isEmpty() || about.equals(uid);
                    })
                    .map(ObjectViews::event)
                    .sorted(Comparator.comparing(EventRow::at).reversed())
                    .limit(MAX_EVENTS)
                    .toList();
        } catch (ApiException unsupported) {
            return List.of();
        }
    }

    private static EventRow event(ObjectNode event) {
        String type = event.path("type").asText("");
        String at = event.path("lastTimestamp").asText("");
        if (at.isEmpty() || at.equals("null")) {
            at = event.path("series")
                    .path("lastObservedTime")
                    .asText(event.path("eventTime").asText(""));
        }
        if (at.isEmpty() || at.equals("null")) {
            at = event.path("metadata").path("creationTimestamp").asText("");
        }
        return new EventRow(
                at,
                type,
                type.equals("Warning") ? "warn" : "ok",
                event.path("reason").asText(""),
                event.path("message").asText(event.path("note").asText("")),
                Math.max(
                        1,
                        event.path("count")
                                .asLong(event.path("series").path("count").asLong(1))));
    }
}
