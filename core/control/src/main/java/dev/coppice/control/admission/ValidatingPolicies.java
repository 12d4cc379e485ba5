package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.admission.BoundPolicies.Bound;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.PolicyExpressions;
import dev.coppice.control.resource.Registry;
import dev.coppice.expression.Budget;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Variables;
import java.util.ArrayList;
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
    private final BoundPolicies<Policy> policies;

    private record Policy(
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
        this.policies = new BoundPolicies<>(
                registry, new RequestMatcher(registry, namespaces), policies, bindings, ValidatingPolicies::policy);
    }

    private static Policy policy(JsonNode spec) {
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
        for (Bound<Policy> bound : policies.all()) {
            Request seen = policies.matched(bound, request);
            if (seen != null) {
                evaluate(bound, seen);
            }
        }
    }

    // ---- evaluating

    private void evaluate(Bound<Policy> bound, Request request) {
        Policy policy = bound.compiled();
        if (policy.error != null) {
            misconfigured(bound, request, "compilation error: " + policy.error);
            return;
        }
        for (JsonNode params : params(bound, request)) {
            Budget budget = PolicyExpressions.budget();
            Variables variables = new PolicyVariables(
                    request, params, policies.namespace(request), authorizer, policy.variables, budget);
            if (applies(bound, request, variables, budget)) {
                validate(bound, request, variables, budget);
                annotate(bound, request, variables, budget);
                request.caller().asked(named(bound));
            }
        }
    }

    private static boolean applies(Bound<Policy> bound, Request request, Variables variables, Budget budget) {
        try {
            return MatchConditions.hold(bound.compiled().conditions, variables, budget);
        } catch (MatchConditions.ConditionException e) {
            failed(bound, request, 0, String.valueOf(e.getMessage()));
            return false;
        }
    }

    private static void validate(Bound<Policy> bound, Request request, Variables variables, Budget budget) {
        int index = 0;
        for (Validation v : bound.compiled().validations) {
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

    private static void annotate(Bound<Policy> bound, Request request, Variables variables, Budget budget) {
        bound.compiled().annotations.forEach((key, expression) -> {
            try {
                Object value = expression.evaluate(variables, budget);
                if (value instanceof String text && !text.isBlank()) {
                    request.caller().annotate(bound.name() + "/" + key, text.strip());
                }
            } catch (EvaluationException e) {
                failed(bound, request, 0, PolicyExpressions.failure(expression, e));
            }
        });
    }

    private static void failed(Bound<Policy> bound, Request request, int index, String why) {
        if (bound.compiled().fail) {
            violated(bound, request, index, why, "");
        }
    }

    /** A policy that cannot be asked denies, whatever its bindings' actions are. */
    private static void misconfigured(Bound<Policy> bound, Request request, String why) {
        if (bound.compiled().fail) {
            throw refusal(bound, request, why, "");
        }
    }

    private static String named(Bound<Policy> bound) {
        return "ValidatingAdmissionPolicy " + bound.quoted();
    }

    private static List<String> actions(Bound<Policy> bound) {
        return Json.list(bound.bindingSpec().path("validationActions"));
    }

    private static void violated(Bound<Policy> bound, Request request, int index, String message, String reason) {
        if (actions(bound).contains("Warn")) {
            request.caller().warn("Validation failed for " + named(bound) + ": " + message);
        }
        if (actions(bound).contains("Audit")) {
            ObjectNode entry = Json.object()
                    .put("message", message)
                    .put("policy", bound.name())
                    .put("binding", bound.binding())
                    .put("expressionIndex", Integer.toString(index));
            entry.set("validationActions", Json.array(actions(bound)));
            request.caller().annotateListed("validation.policy.admission.k8s.io/validation_failure", entry);
        }
        if (actions(bound).contains("Deny")) {
            throw refusal(bound, request, message, reason);
        }
    }

    private static ApiException refusal(Bound<Policy> bound, Request request, String message, String reason) {
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

    private List<JsonNode> params(Bound<Policy> bound, Request request) {
        try {
            return policies.params(bound, request);
        } catch (PolicyParameters.ParameterException e) {
            misconfigured(bound, request, String.valueOf(e.getMessage()));
            return List.of();
        }
    }
}
