package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.CachedObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The policies of one kind with their bindings, compiled, by name and then by the binding's name. Read again when they change.
 * Safe for use by many threads.
 *
 * @param <P> what a policy is compiled to
 */
final class BoundPolicies<P> {
    private final Definition policies;
    private final Definition bindings;
    private final Function<JsonNode, P> compiler;
    private final RequestMatcher matcher;
    private final PolicyParameters parameters;
    private volatile @Nullable Known<P> known;

    private record Known<P>(long policies, long bindings, List<Bound<P>> all) {}

    /**
     * A policy with one of its bindings.
     *
     * @param spec of the policy
     * @param bindingSpec of the binding
     */
    record Bound<P>(String name, JsonNode spec, P compiled, String binding, JsonNode bindingSpec) {

        /** Such as {@code 'owned' with binding 'owned'}. */
        String quoted() {
            return "'" + name + "' with binding '" + binding + "'";
        }
    }

    BoundPolicies(
            Registry registry,
            RequestMatcher matcher,
            Definition policies,
            Definition bindings,
            Function<JsonNode, P> compiler) {
        this.policies = policies;
        this.bindings = bindings;
        this.compiler = compiler;
        this.matcher = matcher;
        this.parameters = new PolicyParameters(registry);
    }

    List<Bound<P>> all() {
        long p = policies.cache().lastChange();
        long b = bindings.cache().lastChange();
        Known<P> now = known;
        if (now == null || now.policies != p || now.bindings != b) {
            now = new Known<>(p, b, compile());
            known = now;
        }
        return now.all;
    }

    private List<Bound<P>> compile() {
        List<Bound<P>> all = new ArrayList<>();
        Map<String, JsonNode> specs = new HashMap<>();
        Map<String, P> compiled = new HashMap<>();
        for (CachedObject binding : bindings.cache().list("")) {
            JsonNode bindingSpec = binding.tree().path("spec");
            String name = bindingSpec.path("policyName").asText();
            CachedObject policy = policies.cache().get("", name);
            if (policy != null) {
                JsonNode spec = specs.computeIfAbsent(name, _ -> policy.tree().path("spec"));
                P made = compiled.computeIfAbsent(name, _ -> compiler.apply(spec));
                all.add(new Bound<>(name, spec, made, binding.name(), bindingSpec));
            }
        }
        all.sort(Comparator.comparing((Bound<P> each) -> each.name).thenComparing(Bound::binding));
        return List.copyOf(all);
    }

    /** The request as the policy sees it; null when policy or binding are not about it. */
    Admission.@Nullable Request matched(Bound<P> bound, Admission.Request request) {
        Admission.Request seen = matcher.match(bound.spec.path("matchConstraints"), "resourceRules", request);
        boolean chosen = seen != null
                && (!bound.bindingSpec.has("matchResources")
                        || matcher.match(bound.bindingSpec.path("matchResources"), "resourceRules", request) != null);
        return chosen ? seen : null;
    }

    /** The parameters for a request, each to be evaluated for itself: a null where the policy takes none. */
    List<JsonNode> params(Bound<P> bound, Admission.Request request) throws PolicyParameters.ParameterException {
        return parameters.of(bound.spec, bound.bindingSpec, request);
    }

    /** The namespace of a request; null for what lies in none. */
    @Nullable
    JsonNode namespace(Admission.Request request) {
        CachedObject found = matcher.namespace(request);
        return found == null ? null : found.tree();
    }
}
