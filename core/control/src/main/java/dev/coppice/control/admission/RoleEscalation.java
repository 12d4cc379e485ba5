package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Authorizer;
import dev.coppice.control.access.RoleAuthorizer;
import dev.coppice.control.access.RoleAuthorizer.Rule;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.BuiltIns;
import dev.coppice.serving.Identity;
import java.util.ArrayList;
import java.util.List;

/** Keeps people from granting what they do not have, unless they may {@code escalate} or {@code bind}. */
public final class RoleEscalation implements Admission {
    private static final String AGGREGATION = "aggregationRule";
    private static final List<String> ALL = List.of("*");
    private static final List<Rule> EVERYTHING =
            List.of(new Rule(ALL, ALL, ALL, List.of(), List.of()), new Rule(ALL, List.of(), List.of(), List.of(), ALL));

    private final RoleAuthorizer authorizer;

    public RoleEscalation(RoleAuthorizer authorizer) {
        this.authorizer = authorizer;
    }

    @Override
    public void admit(Request request) {
        Target target = request.target();
        ObjectNode object = request.object();
        if (object == null || !target.definition().group().equals(BuiltIns.RBAC)) {
            return;
        }
        Identity who = request.caller().identity();
        if (who.groups().contains("system:masters")) {
            return;
        }
        ObjectNode old = request.old();
        String kind = target.definition().kind();
        if (kind.endsWith("Role")) {
            boolean same = old != null
                    && old.path("rules").equals(object.path("rules"))
                    && old.path(AGGREGATION).equals(object.path(AGGREGATION));
            if (same || may(who, "escalate", target)) {
                return;
            }
            if (object.hasNonNull(AGGREGATION) || old != null && old.hasNonNull(AGGREGATION)) {
                // Its rules will be those of whatever roles it selects.
                check(who, target, EVERYTHING);
            }
            List<Rule> rules = new ArrayList<>();
            object.path("rules").forEach(r -> rules.add(Rule.of(r)));
            check(who, target, rules);
        } else {
            JsonNode ref = object.path("roleRef");
            String role = ref.path("name").asText();
            String plural = ref.path("kind").asText().equals("ClusterRole") ? "clusterroles" : "roles";
            var bind = new Authorizer.Action("bind", BuiltIns.RBAC, plural, target.namespace(), role);
            if (!authorizer.authorize(who, bind).allowed()) {
                List<Rule> granted = authorizer.rulesOf(ref.path("kind").asText(), target.namespace(), role);
                if (granted == null) {
                    // Who binds a role before it is there would have whatever it is made to allow later.
                    throw Statuses.notFound(BuiltIns.RBAC, plural, role);
                }
                check(who, target, granted);
            }
        }
    }

    private boolean may(Identity who, String verb, Target target) {
        return authorizer
                .authorize(
                        who,
                        new Authorizer.Action(
                                verb, BuiltIns.RBAC, target.definition().plural(), target.namespace(), target.name()))
                .allowed();
    }

    private void check(Identity who, Target target, List<Rule> rules) {
        List<String> missing = new ArrayList<>();
        List<Rule> held = authorizer.rules(who, target.namespace());
        for (Rule rule : rules) {
            if (!covered(held, rule)) {
                missing.add(shown(rule));
            }
        }
        if (!missing.isEmpty()) {
            throw Statuses.forbidden(
                    BuiltIns.RBAC,
                    target.definition().plural(),
                    target.name(),
                    "user " + Statuses.quote(who.name()) + " (groups=" + groups(who)
                            + ") is attempting to grant RBAC permissions not currently held:\n"
                            + String.join("\n", missing));
        }
    }

    private static String groups(Identity who) {
        return "[" + String.join(" ", who.groups().stream().map(Statuses::quote).toList()) + "]";
    }

    /** Whether the held rules allow every single action that a rule allows. */
    private static boolean covered(List<Rule> held, Rule rule) {
        for (String verb : rule.verbs()) {
            for (String path : rule.paths()) {
                if (held.stream().noneMatch(h -> has(h.verbs(), verb) && has(h.paths(), path))) {
                    return false;
                }
            }
            for (String group : rule.groups()) {
                for (String resource : rule.resources()) {
                    List<String> names = rule.names().isEmpty() ? List.of("") : rule.names();
                    for (String name : names) {
                        if (held.stream().noneMatch(h -> allows(h, verb, group, resource, name))) {
                            return false;
                        }
                    }
                }
            }
        }
        return true;
    }

    private static boolean allows(Rule held, String verb, String group, String resource, String name) {
        return has(held.verbs(), verb)
                && has(held.groups(), group)
                && has(held.resources(), resource)
                && (held.names().isEmpty() || held.names().contains(name));
    }

    private static boolean has(List<String> list, String value) {
        return list.contains("*") || list.contains(value);
    }

    private static String shown(Rule rule) {
        return "{APIGroups:" + Json.text(Json.array(rule.groups())) + ", Resources:"
                + Json.text(Json.array(rule.resources())) + ", Verbs:" + Json.text(Json.array(rule.verbs())) + "}";
    }
}
