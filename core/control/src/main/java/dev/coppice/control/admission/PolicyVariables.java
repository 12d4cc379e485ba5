package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Authorizer;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.expression.AccessCheck;
import dev.coppice.expression.AccessCheck.Answer;
import dev.coppice.expression.AccessCheck.Question;
import dev.coppice.expression.Budget;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.Variables;
import dev.coppice.serving.Identity;
import java.util.AbstractMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the expressions of admission see of one request. Variables of a policy are evaluated when first used. For one thread. */
final class PolicyVariables implements Variables {
    private final Admission.Request request;
    private final @Nullable JsonNode params;
    private final @Nullable JsonNode namespace;
    private final Authorizer authorizer;
    private final Composed composed;
    private @Nullable ObjectNode described;

    PolicyVariables(
            Admission.Request request,
            @Nullable JsonNode params,
            @Nullable JsonNode namespace,
            Authorizer authorizer,
            Map<String, Expression> variables,
            Budget budget) {
        this.request = request;
        this.params = params;
        this.namespace = namespace;
        this.authorizer = authorizer;
        this.composed = new Composed(variables, budget);
    }

    @Override
    public @Nullable Object get(String name) {
        return switch (name) {
            case "object" -> request.object();
            case "oldObject" -> request.old();
            case "params" -> params;
            case "request" -> {
                ObjectNode known = described;
                if (known == null) {
                    known = request.describe("");
                    described = known;
                }
                yield known;
            }
            case "namespaceObject" -> namespace;
            case "variables" -> composed;
            case "authorizer" -> access().authorizer();
            case "authorizer.requestResource" -> {
                Target target = request.requested();
                Definition d = target.definition();
                yield access().resource(new Question(
                        "", "", "", d.group(), d.plural(), target.subresource(), target.namespace(), target.name()));
            }
            default -> null;
        };
    }

    private AccessCheck access() {
        return question -> {
            Identity who = question.serviceAccount().isEmpty()
                    ? request.caller().identity()
                    : serviceAccount(question.serviceAccount());
            String resource = question.subresource().isEmpty()
                    ? question.resource()
                    : question.resource() + "/" + question.subresource();
            Authorizer.Decision decision = question.path().isEmpty()
                    ? authorizer.authorize(
                            who,
                            new Authorizer.Action(
                                    question.verb(), question.group(), resource, question.namespace(), question.name()))
                    : authorizer.authorizePath(who, question.verb(), question.path());
            return new Answer(decision.allowed(), decision.reason());
        };
    }

    private static Identity serviceAccount(String account) {
        int slash = account.indexOf('/');
        String namespace = account.substring(0, slash);
        return new Identity(
                "system:serviceaccount:" + namespace + ":" + account.substring(slash + 1),
                "",
                List.of("system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"),
                Map.of());
    }

    /** The variables of a policy by their names; one may use those before it. */
    private final class Composed extends AbstractMap<String, Object> {
        private final Map<String, Expression> expressions;
        private final Budget budget;
        private final Map<String, Object> known = new HashMap<>();
        private final Set<String> evaluating = new LinkedHashSet<>();

        Composed(Map<String, Expression> expressions, Budget budget) {
            this.expressions = expressions;
            this.budget = budget;
        }

        @Override
        public boolean containsKey(Object key) {
            return expressions.containsKey(key) && !evaluating.contains(key);
        }

        @Override
        public @Nullable Object get(Object key) {
            Expression expression = expressions.get(key);
            if (!(key instanceof String name) || expression == null || !containsKey(key)) {
                return null;
            }
            if (!known.containsKey(name)) {
                evaluating.add(name);
                known.put(name, value(name, expression));
                evaluating.remove(name);
            }
            return known.get(name);
        }

        private Object value(String name, Expression expression) {
            try {
                Object value = expression.evaluate(PolicyVariables.this, budget);
                return value == null ? com.fasterxml.jackson.databind.node.NullNode.getInstance() : value;
            } catch (EvaluationException e) {
                return e.within("composited variable " + Statuses.quote(name) + " fails to evaluate: ");
            }
        }

        @Override
        public Set<Entry<String, Object>> entrySet() {
            Set<Entry<String, Object>> entries = new LinkedHashSet<>();
            for (String name : expressions.keySet()) {
                Object value = get(name);
                if (value != null) {
                    entries.add(Map.entry(name, value));
                }
            }
            return entries;
        }
    }
}
