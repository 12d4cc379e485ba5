package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.kind.AllowedRoutes.RouteKind;
import dev.coppice.schema.RecordMapper;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes merge patches (RFC 7386) of drafts: what differs from the status that an object has. Conditions and parents of other controllers stay,
 * and the time of a condition changes only when its status does. Pure functions.
 */
final class StatusPatches {
    private static final int MOST_MESSAGE = 4096;
    private static final int MOST_PARENTS = 32;
    private static final Set<String> POLICIES = Set.of(
            "BackendTLSPolicy",
            "BackendTrafficPolicy",
            "ClientTrafficPolicy",
            "GRPCPolicy",
            "RateLimit",
            "SecurityPolicy",
            "ObservabilityPolicy",
            "ContentPolicy");
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private StatusPatches() {}

    /** The patch of the whole object; null when its status says already what is so, or more is known of it. */
    static @Nullable ObjectNode patch(ObjectNode object, Draft draft, Instant now) {
        // Made from an older state of the object: the translation of the newer one is on its way.
        if (draft.generation() != object.path("metadata").path("generation").asLong()) {
            return null;
        }
        JsonNode before = object.path("status");
        ObjectNode status = JSON.objectNode();
        switch (draft) {
            case Draft.OfClass each -> {
                status.set("conditions", conditions(before.path("conditions"), each.conditions(), each, now, true));
                ArrayNode features = status.putArray("supportedFeatures");
                each.features().forEach(name -> features.addObject().put("name", name));
            }
            case Draft.OfFilter each ->
                status.set("conditions", conditions(before.path("conditions"), each.conditions(), each, now, true));
            case Draft.OfGateway each -> gateway(status, before, each, now);
            case Draft.OfRoute each -> {
                String list = POLICIES.contains(object.path("kind").asText("")) ? "ancestors" : "parents";
                ArrayNode all = list.equals("parents")
                        ? parents(before.path(list), each, "parentRef", MOST_PARENTS, now)
                        : parents(before.path(list), each, "ancestorRef", PolicyTargets.MOST_ANCESTORS, now);
                if (!all.isEmpty() || !before.path(list).isEmpty()) {
                    status.set(list, all);
                }
            }
        }
        ObjectNode patch = JSON.objectNode();
        status.properties().forEach(field -> {
            if (!field.getValue().equals(normal(before.path(field.getKey())))) {
                patch.set(field.getKey(), field.getValue());
            }
        });
        if (patch.isEmpty()) {
            return null;
        }
        ObjectNode whole = JSON.objectNode();
        if (draft instanceof Draft.OfRoute) {
            // The list holds what other controllers wrote: nothing of theirs may get lost.
            whole.putObject("metadata")
                    .put(
                            "resourceVersion",
                            object.path("metadata").path("resourceVersion").asText());
        }
        whole.set("status", patch);
        return whole;
    }

    /** Numbers as they are made here, so that trees can be compared. */
    private static JsonNode normal(JsonNode tree) {
        if (tree.isObject()) {
            ObjectNode copy = JSON.objectNode();
            tree.properties().forEach(field -> copy.set(field.getKey(), normal(field.getValue())));
            return copy;
        }
        if (tree.isArray()) {
            ArrayNode copy = JSON.arrayNode();
            tree.forEach(each -> copy.add(normal(each)));
            return copy;
        }
        return tree.isIntegralNumber() ? JSON.numberNode(tree.asLong()) : tree;
    }

    private static void gateway(ObjectNode status, JsonNode before, Draft.OfGateway draft, Instant now) {
        status.set("conditions", conditions(before.path("conditions"), draft.conditions(), draft, now, true));
        ArrayNode listeners = status.putArray("listeners");
        for (Draft.OfListener each : draft.listeners()) {
            JsonNode known = JSON.missingNode();
            for (JsonNode listener : before.path("listeners")) {
                if (listener.path("name").asText("").equals(each.name())) {
                    known = listener.path("conditions");
                }
            }
            ObjectNode listener = listeners.addObject().put("name", each.name());
            ArrayNode kinds = listener.putArray("supportedKinds");
            for (RouteKind kind : each.kinds()) {
                kinds.addObject().put("group", kind.groupOrDefault()).put("kind", kind.kind());
            }
            listener.put("attachedRoutes", (long) each.routes());
            listener.set("conditions", conditions(known, each.conditions(), draft, now, false));
        }
        if (draft.addresses() != null) {
            ArrayNode addresses = status.putArray("addresses");
            draft.addresses()
                    .forEach(each ->
                            addresses.addObject().put("type", "IPAddress").put("value", each));
        }
        if (draft.sets() != null) {
            status.put("attachedListenerSets", (long) draft.sets());
        }
    }

    private static ArrayNode parents(JsonNode before, Draft.OfRoute draft, String reference, int most, Instant now) {
        ArrayNode all = JSON.arrayNode();
        for (JsonNode each : before) {
            if (!each.path("controllerName").asText("").equals(Translation.CONTROLLER)) {
                all.add(normal(each));
            }
        }
        for (Draft.AtParent each : draft.parents()) {
            ObjectNode parent = (ObjectNode) normal(RecordMapper.fromRecord(each.parent()));
            JsonNode known = JSON.missingNode();
            for (JsonNode old : before) {
                if (old.path("controllerName").asText("").equals(Translation.CONTROLLER)
                        && normal(old.path(reference)).equals(parent)) {
                    known = old.path("conditions");
                }
            }
            if (all.size() < most) {
                ObjectNode entry = all.addObject();
                entry.set(reference, parent);
                entry.put("controllerName", Translation.CONTROLLER);
                entry.set("conditions", conditions(known, each.conditions(), draft, now, false));
            }
        }
        return all;
    }

    private static ArrayNode conditions(
            JsonNode before, List<Draft.Condition> drafts, Draft of, Instant now, boolean keepOthers) {
        ArrayNode all = JSON.arrayNode();
        Set<String> types = new HashSet<>(OWN);
        for (Draft.Condition draft : drafts) {
            types.add(draft.type());
            String status = draft.status();
            String time = now.truncatedTo(ChronoUnit.SECONDS).toString();
            for (JsonNode old : before) {
                if (old.path("type").asText("").equals(draft.type())
                        && old.path("status").asText("").equals(status)) {
                    time = old.path("lastTransitionTime").asText(time);
                }
            }
            String message = draft.message();
            all.addObject()
                    .put("type", draft.type())
                    .put("status", status)
                    .put("observedGeneration", of.generation())
                    .put("lastTransitionTime", time)
                    .put("reason", draft.reason())
                    .put("message", message.length() > MOST_MESSAGE ? message.substring(0, MOST_MESSAGE) : message);
        }
        if (keepOthers) {
            for (JsonNode old : before) {
                if (!types.contains(old.path("type").asText(""))) {
                    all.add(normal(old));
                }
            }
        }
        return all;
    }

    /** Conditions that go away when they are not said any more. */
    private static final Set<String> OWN = Set.of("InsecureFrontendValidationMode", "Accepted", "Programmed");
}
