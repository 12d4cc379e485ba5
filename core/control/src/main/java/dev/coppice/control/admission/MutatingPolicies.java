package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.admission.BoundPolicies.Bound;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.PolicyExpressions;
import dev.coppice.control.resource.Registry;
import dev.coppice.expression.Budget;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.MismatchedTypeException;
import dev.coppice.expression.Variables;
import dev.coppice.schema.apply.ApplyException;
import dev.coppice.schema.apply.Overlay;
import dev.coppice.schema.patch.JsonPatch;
import dev.coppice.schema.patch.PatchException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * MutatingAdmissionPolicies: change objects before they are validated, and before webhooks are asked. Which policies are about a
 * request is found out before any changes it. All that fail are told together. Safe for use by many threads.
 */
public final class MutatingPolicies implements Admission.Mutating {
    private final Authorizer authorizer;
    private final BoundPolicies<Policy> policies;

    /**
     * A policy that can be run.
     *
     * @param again asked once more when the object changed after it
     * @param error why it cannot be run; null when it can
     */
    private record Policy(
            boolean fail,
            boolean again,
            Map<String, Expression> variables,
            List<Expression> conditions,
            List<Mutation> mutations,
            @Nullable String error) {}

    private record Mutation(boolean apply, Expression expression) {}

    /** A policy to be run with one of its parameters, in the version in which it sees the object. */
    private record Invocation(Bound<Policy> bound, JsonNode params, Definition version) {}

    /** An invocation that was run, and the object after it. */
    private record Invoked(Invocation invocation, ObjectNode after) {}

    /** A mutation that cannot be made. */
    private static final class MutationException extends Exception {
        private static final long serialVersionUID = 1L;

        MutationException(String message) {
            super(message, null, false, false);
        }
    }

    public MutatingPolicies(
            Registry registry, Authorizer authorizer, Definition policies, Definition bindings, Definition namespaces) {
        this.authorizer = authorizer;
        this.policies = new BoundPolicies<>(
                registry, new RequestMatcher(registry, namespaces), policies, bindings, MutatingPolicies::policy);
    }

    private static Policy policy(JsonNode spec) {
        Map<String, Expression> variables = new LinkedHashMap<>();
        List<Expression> conditions = new ArrayList<>();
        List<Mutation> mutations = new ArrayList<>();
        String error = null;
        try {
            for (JsonNode v : spec.path("variables")) {
                variables.put(
                        v.path("name").asText(),
                        Expression.compile(v.path("expression").asText(), PolicyExpressions.CONSTRUCTED));
            }
            for (JsonNode c : spec.path("matchConditions")) {
                conditions.add(Expression.compile(c.path("expression").asText(), PolicyExpressions.CONDITION));
            }
            for (JsonNode m : spec.path("mutations")) {
                boolean apply = m.path("patchType").asText().equals("ApplyConfiguration");
                String source = m.path(apply ? "applyConfiguration" : "jsonPatch")
                        .path("expression")
                        .asText();
                mutations.add(new Mutation(
                        apply,
                        Expression.compile(source, apply ? PolicyExpressions.OBJECT : PolicyExpressions.PATCHES)));
            }
        } catch (InvalidExpressionException e) {
            error = e.display();
        }
        return new Policy(
                !spec.path("failurePolicy").asText().equals("Ignore"),
                spec.path("reinvocationPolicy").asText().equals("IfNeeded"),
                variables,
                conditions,
                mutations,
                error);
    }

    @Override
    public Admission.SecondPass mutate(Admission.Request request, Settling settling) {
        List<Bound<Policy>> all = policies.all();
        if (all.isEmpty() || request.object() == null || RequestMatcher.exempt(request)) {
            return Admission.SecondPass.NONE;
        }
        Run run = new Run(request, settling);
        List<Invoked> invoked = new ArrayList<>();
        for (Invocation invocation : invocations(all, request, run)) {
            if (run.invoke(invocation) && invocation.bound.compiled().again) {
                invoked.add(new Invoked(invocation, run.object().deepCopy()));
            }
        }
        run.end();
        return () -> {
            Run second = new Run(request, settling);
            for (Invoked each : invoked) {
                if (!second.object().equals(each.after)) {
                    boolean unused = second.invoke(each.invocation);
                }
            }
            second.end();
        };
    }

    private List<Invocation> invocations(List<Bound<Policy>> all, Admission.Request request, Run run) {
        List<Invocation> found = new ArrayList<>();
        for (Bound<Policy> bound : all) {
            Admission.Request seen = policies.matched(bound, request);
            if (seen == null) {
                continue;
            }
            if (bound.compiled().error != null) {
                run.failed(bound, "compilation error: " + bound.compiled().error, "");
                continue;
            }
            try {
                for (JsonNode params : policies.params(bound, request)) {
                    found.add(new Invocation(bound, params, seen.target().definition()));
                }
            } catch (PolicyParameters.ParameterException e) {
                run.failed(bound, String.valueOf(e.getMessage()), "");
            }
        }
        return found;
    }

    /** One pass over a request, with what failed in it. For one thread. */
    private final class Run {
        private final Admission.Request request;
        private final Settling settling;
        private @Nullable ApiException refusal;

        Run(Admission.Request request, Settling settling) {
            this.request = request;
            this.settling = settling;
        }

        ObjectNode object() {
            ObjectNode object = request.object();
            if (object == null) {
                throw new IllegalStateException("a deletion is not changed");
            }
            return object;
        }

        /** Whether its conditions held, so that it was run. */
        boolean invoke(Invocation invocation) {
            Bound<Policy> bound = invocation.bound;
            Policy policy = bound.compiled();
            ObjectNode before = object().deepCopy();
            try {
                Budget budget = PolicyExpressions.budget();
                if (!MatchConditions.hold(policy.conditions, variables(invocation, seen(invocation), budget), budget)) {
                    return false;
                }
            } catch (MatchConditions.ConditionException e) {
                failed(bound, String.valueOf(e.getMessage()), "Invalid");
                return false;
            }
            for (Mutation mutation : policy.mutations) {
                try {
                    change(invocation, mutation);
                } catch (MutationException e) {
                    failed(bound, String.valueOf(e.getMessage()), "Invalid");
                }
            }
            request.caller()
                    .asked("MutatingAdmissionPolicy " + bound.quoted()
                            + (object().equals(before) ? "" : ", which changes it"));
            return true;
        }

        /** The request with the object as it is now, in the version that the policy sees. */
        private Admission.Request seen(Invocation invocation) {
            return invocation.version == request.target().definition() ? request : request.as(invocation.version);
        }

        private Variables variables(Invocation invocation, Admission.Request seen, Budget budget) {
            return new PolicyVariables(
                    seen,
                    invocation.params,
                    policies.namespace(seen),
                    authorizer,
                    invocation.bound.compiled().variables,
                    budget);
        }

        private void change(Invocation invocation, Mutation mutation) throws MutationException {
            Admission.Request seen = seen(invocation);
            ObjectNode now = seen.object();
            if (now == null) {
                return;
            }
            Budget budget = PolicyExpressions.budget();
            JsonNode made;
            try {
                made = mutation.expression.construct(variables(invocation, seen, budget), budget);
            } catch (EvaluationException e) {
                throw new MutationException(PolicyExpressions.failure(mutation.expression, e));
            } catch (MismatchedTypeException e) {
                throw new MutationException(String.valueOf(e.getMessage()));
            }
            ObjectNode changed = mutation.apply ? applied(seen, now, made) : patched(now, made);
            if (!changed.equals(now)) {
                Mutations.replace(
                        "MutatingAdmissionPolicy " + Statuses.quote(invocation.bound.name()),
                        request,
                        seen,
                        changed,
                        settling);
            }
        }

        private static ObjectNode applied(Admission.Request seen, ObjectNode now, JsonNode made)
                throws MutationException {
            ObjectNode configuration = Json.object();
            configuration.set("apiVersion", now.path("apiVersion"));
            configuration.set("kind", now.path("kind"));
            if (made instanceof ObjectNode fields) {
                fields.remove(List.of("apiVersion", "kind"));
                configuration.setAll(fields);
            }
            try {
                return Overlay.merge(seen.target().definition().schema(), now, configuration);
            } catch (ApplyException e) {
                throw new MutationException("error applying patch: " + e.getMessage());
            }
        }

        private static ObjectNode patched(ObjectNode now, JsonNode made) throws MutationException {
            try {
                if (JsonPatch.apply(now, made) instanceof ObjectNode changed) {
                    return changed;
                }
                throw new MutationException("JSONPath: the patch does not leave an object");
            } catch (PatchException e) {
                // A test that fails says that there is nothing to do.
                if (e.kind() == PatchException.Kind.TEST_FAILED) {
                    return now;
                }
                throw new MutationException("JSONPath: " + e.getMessage());
            }
        }

        /** Notes why a policy could not be followed, unless it does not insist. */
        void failed(Bound<Policy> bound, String why, String reason) {
            if (!bound.compiled().fail) {
                return;
            }
            String message = "policy " + bound.quoted() + " denied request: " + why;
            ApiException known = refusal;
            if (known == null) {
                Definition d = request.target().definition();
                ObjectNode status = Statuses.forbidden(
                                d.group(), d.plural(), request.target().name(), why)
                        .status();
                status.put("message", message);
                if (!reason.isEmpty()) {
                    status.put("reason", reason);
                }
                Json.child(status, "details").putArray("causes");
                known = new ApiException(status);
                refusal = known;
            }
            if (known.status().path("details").path("causes") instanceof ArrayNode causes) {
                causes.addObject().put("message", message);
            }
        }

        void end() {
            if (refusal != null) {
                throw refusal;
            }
        }
    }
}
