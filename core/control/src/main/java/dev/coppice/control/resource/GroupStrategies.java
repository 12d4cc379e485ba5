package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;

/** What is special about the built-in kinds of other groups: RBAC, leases, admission policies. */
final class GroupStrategies {
    private static final String RBAC = "rbac.authorization.k8s.io";

    private GroupStrategies() {}

    static final Strategy ROLE = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            if (!object.has("rules")) {
                object.putNull("rules");
            }
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            int i = 0;
            boolean namespaced = object.path("kind").asText().equals("Role");
            for (JsonNode rule : object.path("rules")) {
                String at = "rules[" + i++ + "]";
                if (rule.path("verbs").isEmpty()) {
                    causes.add(Cause.required(at + ".verbs", "verbs must contain at least one value"));
                }
                if (!rule.path("nonResourceURLs").isEmpty()) {
                    if (namespaced) {
                        causes.add(Cause.invalidShown(
                                at + ".nonResourceURLs",
                                goStrings(rule.path("nonResourceURLs")),
                                "namespaced rules cannot apply to non-resource URLs"));
                    }
                    continue;
                }
                if (rule.path("apiGroups").isEmpty()) {
                    causes.add(Cause.required(at + ".apiGroups", "resource rules must supply at least one api group"));
                }
                if (rule.path("resources").isEmpty()) {
                    causes.add(Cause.required(at + ".resources", "resource rules must supply at least one resource"));
                }
            }
            return causes;
        }
    };

    static String goStrings(JsonNode array) {
        StringBuilder out = new StringBuilder("[]string{");
        for (int i = 0; i < array.size(); i++) {
            out.append(i == 0 ? "" : ", ").append(Statuses.quote(array.get(i).asText()));
        }
        return out.append('}').toString();
    }

    static final Strategy BINDING = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            if (object.get("roleRef") instanceof ObjectNode ref
                    && ref.path("apiGroup").asText("").isEmpty()) {
                ref.put("apiGroup", RBAC);
            }
            for (JsonNode subject : object.path("subjects")) {
                if (subject instanceof ObjectNode s
                        && s.path("apiGroup").asText("").isEmpty()
                        && List.of("User", "Group").contains(s.path("kind").asText())) {
                    s.put("apiGroup", RBAC);
                }
            }
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            JsonNode ref = object.path("roleRef");
            boolean namespaced = object.path("kind").asText().equals("RoleBinding");
            if (!ref.path("apiGroup").asText().equals(RBAC)) {
                causes.add(Statuses.unsupported(
                        "roleRef.apiGroup", Statuses.quote(ref.path("apiGroup").asText()), RBAC));
            }
            String kind = ref.path("kind").asText();
            if (!kind.equals("ClusterRole") && !(namespaced && kind.equals("Role"))) {
                causes.add(
                        namespaced
                                ? Statuses.unsupported("roleRef.kind", Statuses.quote(kind), "Role", "ClusterRole")
                                : Statuses.unsupported("roleRef.kind", Statuses.quote(kind), "ClusterRole"));
            }
            if (ref.path("name").asText("").isEmpty()) {
                causes.add(Cause.required("roleRef.name", ""));
            }
            int i = 0;
            for (JsonNode subject : object.path("subjects")) {
                String at = "subjects[" + i++ + "]";
                if (subject.path("name").asText("").isEmpty()) {
                    causes.add(Cause.required(at + ".name", ""));
                }
                switch (subject.path("kind").asText()) {
                    case "User", "Group" -> {}
                    case "ServiceAccount" -> {
                        if (!namespaced && subject.path("namespace").asText("").isEmpty()) {
                            causes.add(Cause.required(at + ".namespace", ""));
                        }
                    }
                    default ->
                        causes.add(Statuses.unsupported(
                                at + ".kind",
                                Statuses.quote(subject.path("kind").asText()),
                                "ServiceAccount",
                                "User",
                                "Group"));
                }
            }
            return causes;
        }

        @Override
        public List<Cause> validateUpdate(ObjectNode object, ObjectNode old) {
            JsonNode ref = object.path("roleRef");
            if (ref.equals(old.path("roleRef"))) {
                return List.of();
            }
            return List.of(Cause.invalidShown(
                    "roleRef",
                    "rbac.RoleRef{APIGroup:"
                            + Statuses.quote(ref.path("apiGroup").asText()) + ", Kind:"
                            + Statuses.quote(ref.path("kind").asText()) + ", Name:"
                            + Statuses.quote(ref.path("name").asText()) + "}",
                    "cannot change roleRef"));
        }
    };

    static final Strategy LEASE = new Strategy() {
        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            JsonNode spec = object.path("spec");
            if (spec.hasNonNull("leaseDurationSeconds")
                    && spec.path("leaseDurationSeconds").asInt() <= 0) {
                causes.add(Cause.invalid(
                        "spec.leaseDurationSeconds",
                        spec.path("leaseDurationSeconds").asLong(),
                        "must be greater than 0"));
            }
            if (spec.hasNonNull("leaseTransitions")
                    && spec.path("leaseTransitions").asInt() < 0) {
                causes.add(Cause.invalid(
                        "spec.leaseTransitions",
                        spec.path("leaseTransitions").asLong(),
                        "must be greater than or equal to 0"));
            }
            return causes;
        }

        @Override
        public boolean unconditionalUpdate() {
            return false;
        }

        @Override
        public boolean createOnUpdate() {
            return true;
        }
    };

    static final Strategy POLICY = new Strategy() {
        @Override
        public boolean generation() {
            return true;
        }

        @Override
        public void defaults(ObjectNode object) {
            policyDefaults(object);
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            JsonNode spec = object.path("spec");
            causes.addAll(PolicyExpressions.check(spec));
            if (!spec.has("matchConstraints")) {
                causes.add(Cause.required("spec.matchConstraints", ""));
            } else if (spec.path("matchConstraints").path("resourceRules").isEmpty()) {
                causes.add(Cause.required("spec.matchConstraints.resourceRules", ""));
            }
            if (spec.path("validations").isEmpty()
                    && spec.path("auditAnnotations").isEmpty()) {
                causes.add(Cause.required("spec.validations", "validations or auditAnnotations must be non-empty"));
                causes.add(
                        Cause.required("spec.auditAnnotations", "validations or auditAnnotations must be non-empty"));
            }
            return causes;
        }
    };

    /** Of admission policies, whether they validate or change. */
    static void policyDefaults(ObjectNode policy) {
        ObjectNode spec = Json.child(policy, "spec");
        if (spec.path("failurePolicy").asText("").isEmpty()) {
            spec.put("failurePolicy", "Fail");
        }
        if (spec.get("matchConstraints") instanceof ObjectNode match) {
            matchDefaults(match);
        }
    }

    /** Of their bindings. */
    static void bindingDefaults(ObjectNode binding) {
        if (binding.path("spec").get("matchResources") instanceof ObjectNode match) {
            matchDefaults(match);
        }
    }

    private static void matchDefaults(ObjectNode match) {
        if (match.path("matchPolicy").asText("").isEmpty()) {
            match.put("matchPolicy", "Equivalent");
        }
        Json.child(match, "namespaceSelector");
        Json.child(match, "objectSelector");
        for (String rules : List.of("resourceRules", "excludeResourceRules")) {
            for (JsonNode rule : match.path(rules)) {
                if (rule instanceof ObjectNode r && r.path("scope").asText("").isEmpty()) {
                    r.put("scope", "*");
                }
            }
        }
    }

    static final Strategy POLICY_BINDING = new Strategy() {
        @Override
        public boolean generation() {
            return true;
        }

        @Override
        public void defaults(ObjectNode object) {
            bindingDefaults(object);
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            JsonNode spec = object.path("spec");
            if (spec.path("policyName").asText("").isEmpty()) {
                causes.add(Cause.required("spec.policyName", ""));
            }
            List<String> actions = Json.list(spec.path("validationActions"));
            if (actions.isEmpty()) {
                causes.add(Cause.required("spec.validationActions", "at least one validation action is required"));
            }
            for (int i = 0; i < actions.size(); i++) {
                if (!List.of("Audit", "Deny", "Warn").contains(actions.get(i))) {
                    causes.add(Statuses.unsupported(
                            "spec.validationActions[" + i + "]",
                            Statuses.quote(actions.get(i)),
                            "Audit",
                            "Deny",
                            "Warn"));
                }
            }
            if (actions.contains("Deny") && actions.contains("Warn")) {
                causes.add(Cause.invalidShown(
                        "spec.validationActions",
                        goStrings(spec.path("validationActions"))
                                .replace("[]string", "[]admissionregistration.ValidationAction"),
                        "must not contain both Deny and Warn (repeating the same validation failure information in the "
                                + "API response and headers serves no purpose)"));
            }
            return causes;
        }
    };
}
