package dev.coppice.control.access;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Authorizer;
import dev.coppice.control.request.Json;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.serving.Identity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Role-based access control as Kubernetes has it. Roles and bindings are compiled anew after they change. Safe for use by
 * many threads.
 */
public final class RoleAuthorizer implements Authorizer {
    private static final Decision YES = new Decision(true, "");
    private static final Decision NO = new Decision(false, "");

    private final ResourceCache clusterRoles;
    private final ResourceCache clusterBindings;
    private final ResourceCache roles;
    private final ResourceCache bindings;
    private volatile @Nullable Compiled compiled;

    /** The grants at given revisions of the four types, by subject. */
    private record Compiled(List<Long> revisions, Map<String, List<Grant>> bySubject) {}

    /**
     * What a binding grants to one subject.
     *
     * @param namespace empty for everywhere
     */
    private record Grant(String namespace, List<Rule> rules, String reason) {}

    public RoleAuthorizer(
            ResourceCache clusterRoles, ResourceCache clusterBindings, ResourceCache roles, ResourceCache bindings) {
        this.clusterRoles = clusterRoles;
        this.clusterBindings = clusterBindings;
        this.roles = roles;
        this.bindings = bindings;
    }

    /** A rule of a role. */
    public record Rule(
            List<String> verbs, List<String> groups, List<String> resources, List<String> names, List<String> paths) {

        public static Rule of(JsonNode rule) {
            return new Rule(
                    Json.list(rule.path("verbs")),
                    Json.list(rule.path("apiGroups")),
                    Json.list(rule.path("resources")),
                    Json.list(rule.path("resourceNames")),
                    Json.list(rule.path("nonResourceURLs")));
        }

        private static boolean has(List<String> list, String value) {
            return list.contains("*") || list.contains(value);
        }

        public boolean allows(Action a) {
            return has(verbs, a.verb())
                    && has(groups, a.group())
                    && hasResource(a.resource())
                    && (names.isEmpty() || names.contains(a.name()));
        }

        private boolean hasResource(String resource) {
            if (has(resources, resource)) {
                return true;
            }
            int slash = resource.indexOf('/');
            return slash > 0 && resources.contains("*" + resource.substring(slash));
        }

        boolean allowsPath(String verb, String path) {
            if (!has(verbs, verb)) {
                return false;
            }
            for (String p : paths) {
                if (p.equals("*")
                        || p.equals(path)
                        || p.endsWith("*") && path.startsWith(p.substring(0, p.length() - 1))) {
                    return true;
                }
            }
            return false;
        }
    }

    @Override
    public Decision authorize(Identity identity, Action action) {
        if (identity.groups().contains("system:masters")) {
            return YES;
        }
        for (Grant grant : grants(identity)) {
            if (grant.namespace.isEmpty() || grant.namespace.equals(action.namespace())) {
                for (Rule rule : grant.rules) {
                    if (rule.allows(action)) {
                        return new Decision(true, grant.reason);
                    }
                }
            }
        }
        return NO;
    }

    @Override
    public Decision authorizePath(Identity identity, String verb, String path) {
        if (identity.groups().contains("system:masters")) {
            return YES;
        }
        for (Grant grant : grants(identity)) {
            if (grant.namespace.isEmpty()) {
                for (Rule rule : grant.rules) {
                    if (rule.allowsPath(verb, path)) {
                        return new Decision(true, grant.reason);
                    }
                }
            }
        }
        return NO;
    }

    /** All rules that hold for somebody in a namespace. */
    public List<Rule> rules(Identity identity, String namespace) {
        List<Rule> result = new ArrayList<>();
        if (identity.groups().contains("system:masters")) {
            List<String> all = List.of("*");
            result.add(new Rule(all, all, all, List.of(), List.of()));
            result.add(new Rule(all, List.of(), List.of(), List.of(), all));
        }
        for (Grant grant : grants(identity)) {
            if (grant.namespace.isEmpty() || grant.namespace.equals(namespace)) {
                result.addAll(grant.rules);
            }
        }
        return result;
    }

    /** The rules of a role; null when it is not there. */
    public @Nullable List<Rule> rulesOf(String kind, String namespace, String name) {
        CachedObject role = kind.equals("ClusterRole") ? clusterRoles.get("", name) : roles.get(namespace, name);
        return role == null ? null : rules(role.tree());
    }

    private static List<Rule> rules(ObjectNode role) {
        List<Rule> rules = new ArrayList<>();
        role.path("rules").forEach(r -> rules.add(Rule.of(r)));
        return rules;
    }

    private List<Grant> grants(Identity identity) {
        Map<String, List<Grant>> bySubject = compiled().bySubject;
        List<Grant> result = new ArrayList<>(bySubject.getOrDefault("U:" + identity.name(), List.of()));
        for (String group : identity.groups()) {
            result.addAll(bySubject.getOrDefault("G:" + group, List.of()));
        }
        return result;
    }

    private Compiled compiled() {
        List<Long> revisions = List.of(
                clusterRoles.lastChange(), clusterBindings.lastChange(), roles.lastChange(), bindings.lastChange());
        Compiled known = compiled;
        if (known == null || !known.revisions.equals(revisions)) {
            known = new Compiled(revisions, compile());
            compiled = known;
        }
        return known;
    }

    private Map<String, List<Grant>> compile() {
        Map<String, List<Rule>> ruleSets = new HashMap<>();
        clusterRoles.list("").forEach(r -> ruleSets.put("ClusterRole//" + r.name(), rules(r.tree())));
        roles.list("").forEach(r -> ruleSets.put("Role/" + r.namespace() + "/" + r.name(), rules(r.tree())));
        Map<String, List<Grant>> result = new HashMap<>();
        for (CachedObject b : clusterBindings.list("")) {
            bind(result, ruleSets, b, "ClusterRoleBinding \"" + b.name() + "\"");
        }
        for (CachedObject b : bindings.list("")) {
            bind(result, ruleSets, b, "RoleBinding \"" + b.name() + "/" + b.namespace() + "\"");
        }
        return result;
    }

    private static void bind(
            Map<String, List<Grant>> result, Map<String, List<Rule>> ruleSets, CachedObject binding, String what) {
        ObjectNode tree = binding.tree();
        String kind = Json.text(tree, "roleRef", "kind");
        String role = Json.text(tree, "roleRef", "name");
        List<Rule> rules = ruleSets.get(kind + "/" + (kind.equals("Role") ? binding.namespace() : "") + "/" + role);
        if (rules == null) {
            return;
        }
        for (JsonNode s : tree.path("subjects")) {
            String name = s.path("name").asText();
            String subject = s.path("kind").asText();
            String namespace = s.path("namespace").asText("");
            String key = switch (subject) {
                case "Group" -> "G:" + name;
                case "ServiceAccount" ->
                    "U:system:serviceaccount:" + (namespace.isEmpty() ? binding.namespace() : namespace) + ":" + name;
                default -> "U:" + name;
            };
            String shown = subject.equals("ServiceAccount") ? name + "/" + namespace : name;
            String reason = "RBAC: allowed by " + what + " of " + kind + " \"" + role + "\" to " + subject + " \""
                    + shown + "\"";
            result.computeIfAbsent(key, k -> new ArrayList<>()).add(new Grant(binding.namespace(), rules, reason));
        }
    }
}
