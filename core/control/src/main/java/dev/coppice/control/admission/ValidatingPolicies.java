package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Selectors;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.PolicyExpressions;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.expression.Budget;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Variables;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * ValidatingAdmissionPolicies with their bindings: CEL expressions that refuse, or warn of, requests. Policies are compiled
 * when they are first needed after a change. Safe for use by many threads.
 */
public final class ValidatingPolicies implements Admission {
    private final Registry registry;
    private final Definition policies;
    private final Definition bindings;
    private final Definition namespaces;
    private volatile @Nullable Compiled compiled;

    private record Compiled(long policies, long bindings, List<Bound> all) {}

    /** A policy with one of its bindings. */
    private record Bound(Policy policy, String binding, JsonNode spec, List<String> actions) {}

    private record Policy(
            String name,
            JsonNode spec,
            boolean fail,
            Map<String, Expression> variables,
            List<Expression> conditions,
            List<Validation> validations,
            @Nullable String error) {}

    private record Validation(
            Expression expression, String message, @Nullable Expression messageText, String reason) {}

    public ValidatingPolicies(Registry registry, Definition policies, Definition bindings, Definition namespaces) {
        this.registry = registry;
        this.policies = policies;
        this.bindings = bindings;
        this.namespaces = namespaces;
    }

    private List<Bound> bound() {
        long p = policies.cache().lastChange();
        long b = bindings.cache().lastChange();
        Compiled known = compiled;
        if (known == null || known.policies != p || known.bindings != b) {
            known = new Compiled(p, b, compile());
            compiled = known;
        }
        return known.all;
    }

    private List<Bound> compile() {
        List<Bound> all = new ArrayList<>();
        Map<String, Policy> byName = new HashMap<>();
        for (CachedObject binding : bindings.cache().list("")) {
            JsonNode spec = binding.tree().path("spec");
            String name = spec.path("policyName").asText();
            CachedObject policy = policies.cache().get("", name);
            if (policy != null) {
                Policy made = byName.computeIfAbsent(
                        name, n -> policy(n, policy.tree().path("spec")));
                all.add(new Bound(made, binding.name(), spec, Json.list(spec.path("validationActions"))));
            }
        }
        return all;
    }

    private static Policy policy(String name, JsonNode spec) {
        Map<String, Expression> variables = new java.util.LinkedHashMap<>();
        List<Expression> conditions = new ArrayList<>();
        List<Validation> validations = new ArrayList<>();
        String error = null;
        try {
            for (JsonNode v : spec.path("variables")) {
                variables.put(
                        v.path("name").asText(),
                        Expression.compile(v.path("expression").asText(), PolicyExpressions.ANY));
            }
            for (JsonNode c : spec.path("matchConditions")) {
                conditions.add(Expression.compile(c.path("expression").asText(), PolicyExpressions.CONDITION));
            }
            for (JsonNode v : spec.path("validations")) {
                String text = v.path("messageExpression").asText("");
                validations.add(new Validation(
                        Expression.compile(v.path("expression").asText(), PolicyExpressions.CONDITION),
                        v.path("message").asText(""),
                        text.isEmpty() ? null : Expression.compile(text, PolicyExpressions.TEXT),
                        v.path("reason").asText("")));
            }
        } catch (InvalidExpressionException e) {
            error = e.display();
        }
        return new Policy(
                name,
                spec,
                !spec.path("failurePolicy").asText().equals("Ignore"),
                variables,
                conditions,
                validations,
                error);
    }

    @Override
    public void admit(Request request) {
        Definition d = request.target().definition();
        if (d.group().equals("admissionregistration.k8s.io")) {
            return;
        }
        for (Bound bound : bound()) {
            if (chosen(bound.policy.spec.path("matchConstraints"), request)
                    && (!bound.spec.has("matchResources") || chosen(bound.spec.path("matchResources"), request))) {
                evaluate(bound, request);
            }
        }
    }

    // ---- matching

    private boolean chosen(JsonNode match, Request request) {
        JsonNode rules = match.path("resourceRules");
        boolean matches = rules.isEmpty() || anyRule(rules, request);
        if (!matches || anyRule(match.path("excludeResourceRules"), request)) {
            return false;
        }
        return objectChosen(match.path("objectSelector"), request)
                && namespaceChosen(match.path("namespaceSelector"), request);
    }

    private static boolean anyRule(JsonNode rules, Request request) {
        Target target = request.target();
        Definition d = target.definition();
        String resource = target.subresource().isEmpty() ? d.plural() : d.plural() + "/" + target.subresource();
        for (JsonNode rule : rules) {
            List<String> names = Json.list(rule.path("resourceNames"));
            String scope = rule.path("scope").asText("*");
            if (has(rule, "operations", request.operation().name())
                    && has(rule, "apiGroups", d.group())
                    && has(rule, "apiVersions", d.version())
                    && (has(rule, "resources", resource)
                            || Json.list(rule.path("resources")).contains("*/*"))
                    && (names.isEmpty() || names.contains(target.name()))
                    && (scope.equals("*") || scope.equals(d.namespaced() ? "Namespaced" : "Cluster"))) {
                return true;
            }
        }
        return false;
    }

    private static boolean has(JsonNode rule, String field, String value) {
        List<String> list = Json.list(rule.path(field));
        return list.contains("*") && !value.contains("/") || list.contains(value);
    }

    private static boolean objectChosen(JsonNode selector, Request request) {
        if (selector.isEmpty()) {
            return true;
        }
        var wanted = Selectors.labels(selector);
        return matches(wanted, request.object()) || matches(wanted, request.old());
    }

    private static boolean matches(Selectors.LabelSelector wanted, @Nullable ObjectNode object) {
        return object != null
                && wanted.matches(Json.strings(object.path("metadata").path("labels")));
    }

    private boolean namespaceChosen(JsonNode selector, Request request) {
        if (selector.isEmpty() || !request.target().definition().namespaced()) {
            return true;
        }
        CachedObject namespace = namespaces.cache().get("", request.target().namespace());
        return namespace != null && Selectors.labels(selector).matches(namespace.labels());
    }

    // ---- evaluating

    private void evaluate(Bound bound, Request request) {
        Policy policy = bound.policy;
        if (policy.error != null) {
            failed(bound, request, "compilation error: " + policy.error);
            return;
        }
        for (JsonNode params : params(bound, request)) {
            Budget budget = policy.validations.isEmpty()
                    ? anyBudget(policy)
                    : policy.validations.getFirst().expression.budget();
            Variables variables = variables(policy, request, params, budget);
            try {
                boolean applies = true;
                for (Expression condition : policy.conditions) {
                    applies &= condition.test(variables, budget);
                }
                if (applies) {
                    validate(bound, request, variables, budget);
                }
            } catch (EvaluationException e) {
                failed(bound, request, String.valueOf(e.getMessage()));
            }
        }
    }

    private static Budget anyBudget(Policy policy) {
        for (Expression e : policy.conditions) {
            return e.budget();
        }
        try {
            return Expression.compile("true", PolicyExpressions.CONDITION).budget();
        } catch (InvalidExpressionException e) {
            throw new IllegalStateException(policy.name, e);
        }
    }

    private static void validate(Bound bound, Request request, Variables variables, Budget budget)
            throws EvaluationException {
        for (Validation v : bound.policy.validations) {
            if (v.expression.test(variables, budget)) {
                continue;
            }
            String message = v.message.isEmpty() ? "failed expression: " + v.expression.source() : v.message;
            if (v.messageText != null) {
                try {
                    String text = v.messageText.text(variables, budget).strip();
                    message = text.isEmpty() || text.contains("\n") ? message : text;
                } catch (EvaluationException e) {
                    // The plain message stands.
                }
            }
            violated(bound, request, message, v.reason);
        }
    }

    private static void failed(Bound bound, Request request, String why) {
        if (bound.policy.fail) {
            violated(bound, request, why, "");
        }
    }

    private static void violated(Bound bound, Request request, String message, String reason) {
        String who = "ValidatingAdmissionPolicy '" + bound.policy.name + "' with binding '" + bound.binding + "'";
        if (bound.actions.contains("Warn")) {
            request.caller().warn("Validation failed for " + who + ": " + message);
        }
        if (!bound.actions.contains("Deny")) {
            return;
        }
        Target target = request.target();
        Definition d = target.definition();
        ApiException refusal =
                Statuses.forbidden(d.group(), d.plural(), target.name(), who + " denied request: " + message);
        ObjectNode status = refusal.status();
        Json.child(status, "details")
                .putArray("causes")
                .addObject()
                .put("message", who + " denied request: " + message);
        String given = reason.isEmpty() ? "Invalid" : reason;
        status.put("reason", given);
        status.put(
                "code",
                switch (given) {
                    case "Unauthorized" -> 401;
                    case "Forbidden" -> 403;
                    case "RequestEntityTooLarge" -> 413;
                    default -> 422;
                });
        throw new ApiException(status);
    }

    private List<JsonNode> params(Bound bound, Request request) {
        JsonNode kind = bound.policy.spec.path("paramKind");
        JsonNode none = Json.mapper().getNodeFactory().nullNode();
        if (kind.isMissingNode() || !bound.spec.has("paramRef")) {
            return List.of(none);
        }
        Definition d = registry.snapshot()
                .kind(kind.path("apiVersion").asText(), kind.path("kind").asText());
        JsonNode ref = bound.spec.path("paramRef");
        List<JsonNode> found = new ArrayList<>();
        if (d != null && d.stored()) {
            String namespace = !d.namespaced()
                    ? ""
                    : ref.path("namespace").asText(request.target().namespace());
            String name = ref.path("name").asText("");
            if (!name.isEmpty()) {
                CachedObject one = d.cache().get(namespace, name);
                if (one != null) {
                    found.add(one.tree());
                }
            } else {
                var selector = Selectors.labels(ref.path("selector"));
                for (CachedObject o : d.cache().list(namespace)) {
                    if (selector.matches(o.labels())) {
                        found.add(o.tree());
                    }
                }
            }
        }
        if (found.isEmpty() && ref.path("parameterNotFoundAction").asText().equals("Deny")) {
            failed(
                    bound,
                    request,
                    "failed to configure binding: no params found for policy binding with `Deny` "
                            + "parameterNotFoundAction");
        }
        return found;
    }

    private Variables variables(Policy policy, Request request, JsonNode params, Budget budget) {
        Map<String, Object> composed = new HashMap<>();
        return new Variables() {
            @Override
            public @Nullable Object get(String name) {
                return switch (name) {
                    case "object" -> request.object();
                    case "oldObject" -> request.old();
                    case "params" -> params;
                    case "request" -> describe(request);
                    case "namespaceObject" -> namespaceObject(request);
                    case "variables" -> composed(this);
                    default -> null;
                };
            }

            private Map<String, Object> composed(Variables self) {
                for (var e : policy.variables.entrySet()) {
                    if (!composed.containsKey(e.getKey())) {
                        // A variable may use those before it.
                        try {
                            composed.put(
                                    e.getKey(), Json.mapper().getNodeFactory().nullNode());
                            composed.put(e.getKey(), e.getValue().evaluateToJson(self, budget));
                        } catch (EvaluationException failure) {
                            composed.remove(e.getKey());
                        }
                    }
                }
                return composed;
            }
        };
    }

    private @Nullable JsonNode namespaceObject(Request request) {
        CachedObject namespace = request.target().definition().namespaced()
                ? namespaces.cache().get("", request.target().namespace())
                : null;
        return namespace == null ? null : namespace.tree();
    }

    private static ObjectNode describe(Request request) {
        Target target = request.target();
        Definition d = target.definition();
        ObjectNode node = Json.object();
        node.put("uid", "").put("operation", request.operation().name()).put("dryRun", request.dryRun());
        node.put("name", target.name()).put("namespace", target.namespace()).put("subResource", target.subresource());
        for (String field : List.of("kind", "requestKind")) {
            node.putObject(field)
                    .put("group", d.group())
                    .put("version", d.version())
                    .put("kind", d.kind());
        }
        for (String field : List.of("resource", "requestResource")) {
            node.putObject(field)
                    .put("group", d.group())
                    .put("version", d.version())
                    .put("resource", d.plural());
        }
        ObjectNode user = node.putObject("userInfo")
                .put("username", request.caller().identity().name())
                .put("uid", request.caller().identity().uid());
        user.set("groups", Json.array(request.caller().identity().groups()));
        node.set("options", request.options());
        return node;
    }
}
