package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * ValidatingAdmissionPolicies with their bindings: CEL expressions that refuse, or warn of, requests. Policies are compiled
 * when they are first needed after a change. Safe for use by many threads.
 */
public final class ValidatingPolicies implements Admission {
    private static final int LONGEST_MESSAGE = 5 << 10;

    private final Authorizer authorizer;
    private final PolicyParameters parameters;
    private final Definition policies;
    private final Definition bindings;
    private final RequestMatcher matcher;
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
            Map<String, Expression> annotations,
            @Nullable String error) {}

    private record Validation(
            Expression expression, String message, @Nullable Expression messageText, String reason) {}

    public ValidatingPolicies(
            Registry registry, Authorizer authorizer, Definition policies, Definition bindings, Definition namespaces) {
        this.authorizer = authorizer;
        this.parameters = new PolicyParameters(registry);
        this.policies = policies;
        this.bindings = bindings;
        this.matcher = new RequestMatcher(registry, namespaces);
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
        Map<String, Expression> variables = new LinkedHashMap<>();
        List<Expression> conditions = new ArrayList<>();
        List<Validation> validations = new ArrayList<>();
        Map<String, Expression> annotations = new LinkedHashMap<>();
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
            for (JsonNode a : spec.path("auditAnnotations")) {
                annotations.put(
                        a.path("key").asText(),
                        Expression.compile(a.path("valueExpression").asText(), PolicyExpressions.ANY));
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
                annotations,
                error);
    }

    @Override
    public void admit(Request request) {
        if (RequestMatcher.exempt(request)) {
            return;
        }
        for (Bound bound : bound()) {
            Request seen = matcher.match(bound.policy.spec.path("matchConstraints"), "resourceRules", request);
            if (seen != null
                    && (!bound.spec.has("matchResources")
                            || matcher.match(bound.spec.path("matchResources"), "resourceRules", request) != null)) {
                evaluate(bound, seen);
            }
        }
    }

    // ---- evaluating

    private void evaluate(Bound bound, Request request) {
        Policy policy = bound.policy;
        if (policy.error != null) {
            misconfigured(bound, request, "compilation error: " + policy.error);
            return;
        }
        for (JsonNode params : params(bound, request)) {
            Budget budget = PolicyExpressions.budget();
            CachedObject namespace = matcher.namespace(request);
            Variables variables = new PolicyVariables(
                    request, params, namespace == null ? null : namespace.tree(), authorizer, policy.variables, budget);
            if (applies(bound, request, variables, budget)) {
                validate(bound, request, variables, budget);
                annotate(bound, request, variables, budget);
                request.caller().asked(named(bound));
            }
        }
    }

    /** Whether all conditions hold; one that is false outweighs one that fails. */
    private static boolean applies(Bound bound, Request request, Variables variables, Budget budget) {
        String failure = null;
        for (Expression condition : bound.policy.conditions) {
            try {
                if (!condition.test(variables, budget)) {
                    return false;
                }
            } catch (EvaluationException e) {
                failure = failure == null ? PolicyExpressions.failure(condition, e) : failure;
            }
        }
        if (failure == null) {
            return true;
        }
        failed(bound, request, 0, failure);
        return false;
    }

    private static void validate(Bound bound, Request request, Variables variables, Budget budget) {
        int index = 0;
        for (Validation v : bound.policy.validations) {
            try {
                if (!v.expression.test(variables, budget)) {
                    violated(bound, request, index, message(v, variables, budget), v.reason);
                }
            } catch (EvaluationException e) {
                failed(bound, request, index, PolicyExpressions.failure(v.expression, e));
                if (e.reason() != EvaluationException.Cause.ERROR) {
                    return;
                }
            }
            index++;
        }
    }

    private static String message(Validation v, Variables variables, Budget budget) {
        String plain = v.message.isEmpty()
                ? "failed expression: " + v.expression.source().strip()
                : v.message;
        if (v.messageText == null) {
            return plain;
        }
        try {
            String text = v.messageText.text(variables, budget).strip();
            boolean usable = !text.isEmpty() && !text.contains("\n") && text.length() <= LONGEST_MESSAGE;
            return usable ? text : plain;
        } catch (EvaluationException e) {
            return plain;
        }
    }

    private static void annotate(Bound bound, Request request, Variables variables, Budget budget) {
        bound.policy.annotations.forEach((key, expression) -> {
            try {
                Object value = expression.evaluate(variables, budget);
                if (value instanceof String text && !text.isBlank()) {
                    request.caller().annotate(bound.policy.name + "/" + key, text.strip());
                }
            } catch (EvaluationException e) {
                failed(bound, request, 0, PolicyExpressions.failure(expression, e));
            }
        });
    }

    private static void failed(Bound bound, Request request, int index, String why) {
        if (bound.policy.fail) {
            violated(bound, request, index, why, "");
        }
    }

    /** A policy that cannot be asked denies, whatever its bindings' actions are. */
    private static void misconfigured(Bound bound, Request request, String why) {
        if (bound.policy.fail) {
            throw refusal(bound, request, why, "");
        }
    }

    private static String named(Bound bound) {
        return "ValidatingAdmissionPolicy '" + bound.policy.name + "' with binding '" + bound.binding + "'";
    }

    private static void violated(Bound bound, Request request, int index, String message, String reason) {
        if (bound.actions.contains("Warn")) {
            request.caller().warn("Validation failed for " + named(bound) + ": " + message);
        }
        if (bound.actions.contains("Audit")) {
            ObjectNode entry = Json.object()
                    .put("message", message)
                    .put("policy", bound.policy.name)
                    .put("binding", bound.binding)
                    .put("expressionIndex", Integer.toString(index));
            entry.set("validationActions", Json.array(bound.actions));
            request.caller().annotateListed("validation.policy.admission.k8s.io/validation_failure", entry);
        }
        if (bound.actions.contains("Deny")) {
            throw refusal(bound, request, message, reason);
        }
    }

    private static ApiException refusal(Bound bound, Request request, String message, String reason) {
        Target target = request.target();
        Definition d = target.definition();
        String denied = named(bound) + " denied request: " + message;
        ApiException refusal = Statuses.forbidden(d.group(), d.plural(), target.name(), denied);
        ObjectNode status = refusal.status();
        Json.child(status, "details").putArray("causes").addObject().put("message", denied);
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
        return new ApiException(status);
    }

    private List<JsonNode> params(Bound bound, Request request) {
        try {
            return parameters.of(bound.policy.spec, bound.spec, request);
        } catch (PolicyParameters.ParameterException e) {
            misconfigured(bound, request, String.valueOf(e.getMessage()));
            return List.of();
        }
    }
}
