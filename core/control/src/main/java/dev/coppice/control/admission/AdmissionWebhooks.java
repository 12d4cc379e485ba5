package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.Authorizer;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.PolicyExpressions;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.expression.Budget;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Variables;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The webhooks of all configurations of one kind, in the order in which they are asked: by the name of the configuration, then
 * as they stand in it. Read again when the configurations change. Safe for use by many threads.
 */
final class AdmissionWebhooks {
    private final Definition configurations;
    private volatile @Nullable Known known;

    private record Known(long change, List<Webhook> all) {}

    AdmissionWebhooks(Definition configurations) {
        this.configurations = configurations;
    }

    /**
     * One webhook.
     *
     * @param configuration the name of the object that it stands in
     * @param conditions null where one does not compile, which validation keeps from being stored
     */
    record Webhook(
            String configuration,
            String name,
            JsonNode spec,
            @Nullable List<Expression> conditions) {

        boolean failClosed() {
            return !spec.path("failurePolicy").asText().equals("Ignore");
        }

        int timeoutSeconds() {
            return Math.clamp(spec.path("timeoutSeconds").asInt(10), 1, 30);
        }

        boolean reinvocable() {
            return spec.path("reinvocationPolicy").asText().equals("IfNeeded");
        }

        boolean safeForDryRun() {
            String effects = spec.path("sideEffects").asText();
            return effects.equals("None") || effects.equals("NoneOnDryRun");
        }

        /**
         * Whether all conditions hold.
         *
         * @throws MatchConditions.ConditionException when none is false, but one could not be evaluated
         */
        boolean applies(Admission.Request request, @Nullable JsonNode namespace, Authorizer authorizer)
                throws MatchConditions.ConditionException {
            if (conditions == null) {
                throw new MatchConditions.ConditionException("a match condition of " + name + " does not compile");
            }
            if (conditions.isEmpty()) {
                return true;
            }
            Budget budget = PolicyExpressions.budget();
            Variables variables = new PolicyVariables(request, null, namespace, authorizer, Map.of(), budget);
            return MatchConditions.hold(conditions, variables, budget);
        }
    }

    List<Webhook> all() {
        long change = configurations.cache().lastChange();
        Known now = known;
        if (now == null || now.change != change) {
            now = new Known(change, read());
            known = now;
        }
        return now.all;
    }

    private List<Webhook> read() {
        List<CachedObject> objects = new ArrayList<>(configurations.cache().list(""));
        objects.sort(java.util.Comparator.comparing(CachedObject::name));
        List<Webhook> all = new ArrayList<>();
        for (CachedObject object : objects) {
            for (JsonNode spec : object.tree().path("webhooks")) {
                all.add(new Webhook(
                        object.name(), spec.path("name").asText(), spec, compile(spec.path("matchConditions"))));
            }
        }
        return List.copyOf(all);
    }

    private static @Nullable List<Expression> compile(JsonNode conditions) {
        List<Expression> compiled = new ArrayList<>();
        try {
            for (JsonNode condition : conditions) {
                compiled.add(
                        Expression.compile(condition.path("expression").asText(), PolicyExpressions.MATCH_CONDITION));
            }
        } catch (InvalidExpressionException e) {
            return null;
        }
        return List.copyOf(compiled);
    }

    /** Audit annotations of a webhook's answer, by the keys that Kubernetes gives them. */
    static void annotate(Admission.Request request, Webhook webhook, JsonNode response) {
        for (Map.Entry<String, JsonNode> each :
                response.path("auditAnnotations").properties()) {
            request.caller()
                    .annotate(
                            webhook.name + "/" + each.getKey(), each.getValue().asText());
        }
    }

    /** Hands on what a webhook warns of. */
    static void warn(Admission.Request request, JsonNode response) {
        Json.list(response.path("warnings")).forEach(request.caller()::warn);
    }
}
