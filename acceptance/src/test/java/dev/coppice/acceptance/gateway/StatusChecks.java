package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.coppice.acceptance.gateway.Claim.Condition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Compares claims with the status of the live objects. */
final class StatusChecks {
    /** Where objects are got from. */
    interface Objects {
        /** An object by its kind and {@code NAMESPACE/NAME}; a missing node where there is none. */
        JsonNode get(String kind, String object) throws IOException, InterruptedException;
    }

    /** Kind of a route whose kind the data do not tell. */
    interface Kinds {
        String of(String route);
    }

    private final Objects objects;
    private final Kinds kinds;

    StatusChecks(Objects objects, Kinds kinds) {
        this.objects = objects;
        this.kinds = kinds;
    }

    /** Whether a claim is one of a status. */
    static boolean ofStatus(Claim claim) {
        return !(claim instanceof Claim.Distribution
                || claim instanceof Claim.HandshakeRefused
                || claim instanceof Claim.Announcement
                || claim instanceof Claim.Unmechanical
                || claim instanceof Claim.NotUnderstood);
    }

    /** What is not as claimed; null when all is. */
    @Nullable
    String problem(Claim claim) throws IOException, InterruptedException {
        return switch (claim) {
            case Claim.GatewayServes serves -> gatewayServes(serves);
            case Claim.ParentServes serves -> parentServes(serves);
            case Claim.RouteCondition wanted -> routeCondition(wanted);
            case Claim.NoParentAccepted wanted -> {
                JsonNode route = objects.get(wanted.kind(), wanted.route());
                for (JsonNode parent : route.at("/status/parents")) {
                    if (missing(parent.path("conditions"), new Condition("Accepted", "True", "")) == null) {
                        yield wanted.route() + " is accepted by " + parent.path("parentRef");
                    }
                }
                yield null;
            }
            case Claim.AttachedRoutes wanted -> {
                int count = 0;
                JsonNode listeners = objects.get("Gateway", wanted.gateway()).at("/status/listeners");
                for (JsonNode listener : listeners) {
                    count += listener.path("attachedRoutes").asInt();
                }
                yield count == wanted.count() && !listeners.isEmpty()
                        ? null
                        : "attachedRoutes: expected " + wanted.count() + ", got " + listeners;
            }
            case Claim.AttachedListenerSets wanted -> {
                int count = objects.get("Gateway", wanted.gateway())
                        .at("/status/attachedListenerSets")
                        .asInt(0);
                yield count == wanted.count()
                        ? null
                        : "attachedListenerSets: expected " + wanted.count() + ", got " + count;
            }
            case Claim.OnlyParent wanted -> onlyParent(wanted);
            case Claim.Listeners wanted -> listeners(wanted);
            case Claim.LatestConditions wanted -> latestConditions(wanted);
            case Claim.ObjectCondition wanted ->
                missing(objects.get(wanted.kind(), wanted.object()).at("/status/conditions"), wanted.condition());
            case Claim.AncestorCondition wanted -> {
                JsonNode policy = objects.get(wanted.kind(), wanted.policy());
                String problem = "no ancestor " + wanted.ancestor() + " in " + policy.at("/status/ancestors");
                for (JsonNode ancestor : policy.at("/status/ancestors")) {
                    if (refersTo(ancestor.path("ancestorRef"), wanted.ancestor(), namespace(policy))) {
                        problem = missing(ancestor.path("conditions"), wanted.condition());
                    }
                }
                yield problem;
            }
            case Claim.Distribution _,
                    Claim.HandshakeRefused _,
                    Claim.Announcement _,
                    Claim.Unmechanical _,
                    Claim.NotUnderstood _ -> throw new IllegalArgumentException("not of a status: " + claim);
        };
    }

    private @Nullable String gatewayServes(Claim.GatewayServes serves) throws IOException, InterruptedException {
        JsonNode gateway = objects.get("Gateway", serves.gateway());
        if (gateway.at("/status/addresses/0/value").asText().isEmpty()) {
            return "Gateway " + serves.gateway() + " has no address: status " + gateway.path("status");
        }
        if (!serves.accepted()) {
            return null;
        }
        String problem = missing(gateway.at("/status/conditions"), new Condition("Accepted", "True", ""));
        if (problem != null) {
            return "Gateway " + serves.gateway() + ": " + problem;
        }
        // The data have names of variables among those of listeners.
        List<String> known = new ArrayList<>();
        gateway.at("/spec/listeners")
                .forEach(listener -> known.add(listener.path("name").asText()));
        known.retainAll(serves.listeners());
        for (String route : serves.routes()) {
            String kind = serves.routeKind().isEmpty() ? kinds.of(route) : serves.routeKind();
            problem = acceptedBy(objects.get(kind, route), serves.gateway(), known);
            if (problem != null) {
                return kind + " " + route + ": " + problem;
            }
        }
        return null;
    }

    private static @Nullable String acceptedBy(JsonNode route, String parent, List<String> sections) {
        String problem = "no parent " + parent + " in the status: " + route.at("/status/parents");
        for (JsonNode told : route.at("/status/parents")) {
            JsonNode reference = told.path("parentRef");
            if (refersTo(reference, parent, namespace(route))
                    && (sections.isEmpty()
                            || !reference.has("sectionName")
                            || sections.contains(reference.path("sectionName").asText()))) {
                problem = missing(told.path("conditions"), new Condition("Accepted", "True", ""));
                if (problem == null) {
                    return null;
                }
            }
        }
        return problem;
    }

    private @Nullable String parentServes(Claim.ParentServes serves) throws IOException, InterruptedException {
        String problem = missing(
                objects.get("ListenerSet", serves.parent()).at("/status/conditions"),
                new Condition("Accepted", "True", ""));
        if (problem != null) {
            return "ListenerSet " + serves.parent() + ": " + problem;
        }
        for (String route : serves.routes()) {
            problem = acceptedBy(objects.get(kinds.of(route), route), serves.parent(), List.of());
            if (problem != null) {
                return route + ": " + problem;
            }
        }
        return null;
    }

    private @Nullable String routeCondition(Claim.RouteCondition wanted) throws IOException, InterruptedException {
        for (String name : wanted.routes()) {
            JsonNode route = objects.get(wanted.kind(), name);
            String problem = "no parent " + wanted.parent() + " in the status: " + route.at("/status/parents");
            for (JsonNode parent : route.at("/status/parents")) {
                if (refersTo(parent.path("parentRef"), wanted.parent(), namespace(route))) {
                    problem = missing(parent.path("conditions"), wanted.condition());
                    if (problem == null) {
                        break;
                    }
                }
            }
            if (problem != null) {
                return wanted.kind() + " " + name + ": " + problem;
            }
        }
        return null;
    }

    private @Nullable String onlyParent(Claim.OnlyParent wanted) throws IOException, InterruptedException {
        JsonNode route = objects.get(wanted.kind(), wanted.route());
        JsonNode parents = route.at("/status/parents");
        if (parents.size() != 1) {
            return "expected one parent, got " + parents;
        }
        JsonNode parent = parents.get(0);
        if (!wanted.parent().isEmpty() && !refersTo(parent.path("parentRef"), wanted.parent(), namespace(route))) {
            return "expected parent " + wanted.parent() + ", got " + parent.path("parentRef");
        }
        return missing(parent.path("conditions"), wanted.conditions());
    }

    private @Nullable String listeners(Claim.Listeners wanted) throws IOException, InterruptedException {
        JsonNode told = objects.get(wanted.kind(), wanted.object()).at("/status/listeners");
        if (wanted.exactly() && told.size() != wanted.listeners().size()) {
            return "expected " + wanted.listeners().size() + " listeners, got " + told;
        }
        for (Claim.ListenerStatus listener : wanted.listeners()) {
            JsonNode its = MissingNode.getInstance();
            for (JsonNode candidate : told) {
                its = candidate.path("name").asText().equals(listener.name()) ? candidate : its;
            }
            String problem = missing(its.path("conditions"), listener.conditions());
            if (its.isMissingNode()) {
                problem = "not in " + told;
            } else if (listener.attachedRoutes() >= 0
                    && its.path("attachedRoutes").asInt(-1) != listener.attachedRoutes()) {
                problem = "attachedRoutes: expected " + listener.attachedRoutes() + ", got "
                        + its.path("attachedRoutes").asText("none");
            } else if (listener.supportedKinds() != null) {
                Set<String> kinds = new TreeSet<>();
                its.path("supportedKinds")
                        .forEach(kind -> kinds.add(kind.path("kind").asText()));
                // A listener may take more kinds than a test knows of, but where it expects none.
                boolean right = listener.supportedKinds().isEmpty()
                        ? kinds.isEmpty()
                        : kinds.containsAll(listener.supportedKinds());
                if (!right) {
                    problem = "supportedKinds: expected " + listener.supportedKinds() + ", got " + kinds;
                }
            }
            if (problem != null) {
                return "listener " + listener.name() + ": " + problem;
            }
        }
        return null;
    }

    private @Nullable String latestConditions(Claim.LatestConditions wanted) throws IOException, InterruptedException {
        JsonNode object = objects.get(wanted.kind(), wanted.object());
        long generation = object.at("/metadata/generation").asLong(-1);
        List<JsonNode> all = new ArrayList<>();
        object.at("/status/conditions").forEach(all::add);
        for (String list : List.of("parents", "ancestors", "listeners")) {
            object.path("status")
                    .path(list)
                    .forEach(part -> part.path("conditions").forEach(all::add));
        }
        if (all.isEmpty()) {
            return wanted.kind() + " " + wanted.object() + " has no conditions: status " + object.path("status");
        }
        for (JsonNode condition : all) {
            if (condition.path("observedGeneration").asLong(0) != generation) {
                return "expected observedGeneration " + generation + ", got " + condition;
            }
        }
        return null;
    }

    private static String namespace(JsonNode object) {
        return object.at("/metadata/namespace").asText();
    }

    private static boolean refersTo(JsonNode reference, String object, String namespace) {
        return object.equals(reference.path("namespace").asText(namespace) + "/"
                + reference.path("name").asText());
    }

    static @Nullable String missing(JsonNode conditions, List<Condition> wanted) {
        for (Condition condition : wanted) {
            String problem = missing(conditions, condition);
            if (problem != null) {
                return problem;
            }
        }
        return null;
    }

    /** Why the condition is not among those; null when it is. */
    static @Nullable String missing(JsonNode conditions, Condition wanted) {
        for (JsonNode condition : conditions) {
            if (condition.path("type").asText().equals(wanted.type())) {
                boolean same = (wanted.status().isEmpty()
                                || condition.path("status").asText().equals(wanted.status()))
                        && (wanted.reason().isEmpty()
                                || condition.path("reason").asText().equals(wanted.reason()));
                return same
                        ? null
                        : "expected " + wanted + ", got "
                                + condition.path("type").asText() + "="
                                + condition.path("status").asText() + " (reason "
                                + condition.path("reason").asText() + "): "
                                + condition.path("message").asText();
            }
        }
        return "expected " + wanted + ", got no such condition in " + conditions;
    }
}
