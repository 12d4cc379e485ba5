package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.expression.Environment;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;

/** What is special about mutating admission policies and their bindings. */
final class MutatingPolicyStrategy {
    /** A deletion has no object that could be changed. */
    private static final List<String> OPERATIONS = List.of("*", "CONNECT", "CREATE", "UPDATE");

    private MutatingPolicyStrategy() {}

    static final Strategy POLICY = new Strategy() {
        @Override
        public boolean generation() {
            return true;
        }

        @Override
        public void defaults(ObjectNode object) {
            GroupStrategies.policyDefaults(object);
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            JsonNode spec = object.path("spec");
            List<Cause> causes = new ArrayList<>();
            oneOf("spec.failurePolicy", spec.path("failurePolicy").asText(""), causes, "Fail", "Ignore");
            constraints(spec, causes);
            causes.addAll(PolicyExpressions.checkMutating(spec));
            if (spec.path("mutations").isEmpty()) {
                causes.add(Cause.required("spec.mutations", "mutations must contain at least one item"));
            }
            int i = 0;
            for (JsonNode mutation : spec.path("mutations")) {
                mutation("spec.mutations[" + i++ + "]", mutation, causes);
            }
            oneOf("spec.reinvocationPolicy", spec.path("reinvocationPolicy").asText(""), causes, "IfNeeded", "Never");
            return causes;
        }
    };

    private static void oneOf(String at, String value, List<Cause> causes, String... known) {
        if (value.isEmpty()) {
            causes.add(Cause.required(at, ""));
        } else if (!List.of(known).contains(value)) {
            causes.add(Statuses.unsupported(at, Statuses.quote(value), known));
        }
    }

    private static void constraints(JsonNode spec, List<Cause> causes) {
        JsonNode match = spec.path("matchConstraints");
        if (match.isMissingNode()) {
            causes.add(Cause.required("spec.matchConstraints", ""));
            return;
        }
        if (match.path("resourceRules").isEmpty()) {
            causes.add(Cause.required("spec.matchConstraints.resourceRules", ""));
        }
        for (JsonNode rule : match.path("resourceRules")) {
            for (String operation : Json.list(rule.path("operations"))) {
                if (!OPERATIONS.contains(operation)) {
                    causes.add(Statuses.unsupported(
                            "spec.matchConstraints.resourceRules.operations",
                            Statuses.quote(operation),
                            OPERATIONS.toArray(String[]::new)));
                }
            }
        }
    }

    private static void mutation(String at, JsonNode mutation, List<Cause> causes) {
        String type = mutation.path("patchType").asText("");
        switch (type) {
            case "" -> causes.add(Cause.required(at + ".patchType", ""));
            case "ApplyConfiguration" ->
                part(at, mutation, type, "applyConfiguration", "jsonPatch", PolicyExpressions.OBJECT, causes);
            case "JSONPatch" ->
                part(at, mutation, type, "jsonPatch", "applyConfiguration", PolicyExpressions.PATCHES, causes);
            default ->
                causes.add(Statuses.unsupported(
                        at + ".patchType", Statuses.quote(type), "ApplyConfiguration", "JSONPatch"));
        }
    }

    private static void part(
            String at,
            JsonNode mutation,
            String type,
            String field,
            String other,
            Environment environment,
            List<Cause> causes) {
        if (!mutation.path(field).isObject()) {
            causes.add(Cause.required(at + "." + field, "must be specified when patchType is " + type));
        } else {
            PolicyExpressions.check(
                    at + "." + field + ".expression",
                    mutation.path(field).path("expression").asText(""),
                    environment,
                    causes);
        }
        if (mutation.hasNonNull(other)) {
            causes.add(Cause.invalid(
                    at + "." + other, "{" + other + "}", "must not be specified when patchType is " + type));
        }
    }

    static final Strategy BINDING = new Strategy() {
        @Override
        public boolean generation() {
            return true;
        }

        @Override
        public void defaults(ObjectNode object) {
            GroupStrategies.bindingDefaults(object);
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            JsonNode spec = object.path("spec");
            String name = spec.path("policyName").asText("");
            if (name.isEmpty()) {
                causes.add(Cause.required("spec.policyName", ""));
            } else {
                Names.subdomain(name).forEach(why -> causes.add(Cause.invalid("spec.policyName", name, why)));
            }
            if (spec.hasNonNull("paramRef")) {
                paramRef(spec.path("paramRef"), causes);
            }
            return causes;
        }
    };

    private static void paramRef(JsonNode ref, List<Cause> causes) {
        boolean named = !ref.path("name").asText("").isEmpty();
        boolean selected = ref.hasNonNull("selector");
        if (named && selected) {
            causes.add(Cause.forbidden("spec.paramRef.name", "name and selector are mutually exclusive"));
            causes.add(Cause.forbidden("spec.paramRef.selector", "name and selector are mutually exclusive"));
        } else if (!named && !selected) {
            causes.add(Cause.required("spec.paramRef", "one of name or selector must be specified"));
        }
        oneOf(
                "spec.paramRef.parameterNotFoundAction",
                ref.path("parameterNotFoundAction").asText(""),
                causes,
                "Deny",
                "Allow");
    }
}
