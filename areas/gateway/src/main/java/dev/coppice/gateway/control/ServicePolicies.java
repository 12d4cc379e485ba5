package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.PolicyTarget;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Policies of one kind that are for Services or ports of them: which of those that are for the same one counts, and at which Gateways and
 * Services it is told. The oldest counts; one for a port counts before one for its whole Service. Not safe for use by many threads.
 */
final class ServicePolicies<S extends Record> {
    private static final Comparator<Key> BY_NAME =
            Comparator.comparing(Key::namespace).thenComparing(Key::name);

    /** @param section name of a port; empty for those without a policy of their own */
    private record Place(Key service, String section) {}

    private final List<Resource<S, PolicyStatus>> policies;
    private final Function<S, List<PolicyTarget>> targets;
    private final Map<Place, Resource<S, PolicyStatus>> owners = new HashMap<>();
    /** By the Service that they send to. */
    private final Map<Key, Set<Key>> gateways = new HashMap<>();

    private final Map<Key, Set<Key>> parents = new HashMap<>();

    ServicePolicies(List<Resource<S, PolicyStatus>> policies, Function<S, List<PolicyTarget>> targets) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        this.targets = targets;
        for (Resource<S, PolicyStatus> policy : this.policies) {
            for (PolicyTarget target : targets.apply(policy.spec())) {
                if (isService(target)) {
                    owners.putIfAbsent(place(policy, target), policy);
                }
            }
        }
    }

    private static boolean isService(PolicyTarget target) {
        return target.group().isEmpty() && target.kind().equals("Service");
    }

    private static Place place(Resource<?, ?> policy, PolicyTarget target) {
        return new Place(
                new Key(policy.namespace(), target.name()), target.sectionName() == null ? "" : target.sectionName());
    }

    /** The oldest first. */
    List<Resource<S, PolicyStatus>> policies() {
        return policies;
    }

    /** The policy that counts for a port; null when there is none. */
    @Nullable
    Resource<S, PolicyStatus> owner(Key service, String port) {
        Resource<S, PolicyStatus> own = owners.get(new Place(service, port));
        return own == null ? owners.get(new Place(service, "")) : own;
    }

    /** A Gateway sends to a Service. */
    void usedByGateway(Key service, Key gateway) {
        used(gateways, service, gateway);
    }

    /** What comes to one Service by its own address is sent to another one, or to the same. */
    void usedByService(Key service, Key parent) {
        used(parents, service, parent);
    }

    private void used(Map<Key, Set<Key>> by, Key service, Key sender) {
        if (!policies.isEmpty()) {
            by.computeIfAbsent(service, _ -> new TreeSet<>(BY_NAME)).add(sender);
        }
    }

    /** What is said of a policy of which another one takes a target; null when none does. */
    Draft.@Nullable Condition conflict(Resource<S, PolicyStatus> policy) {
        for (PolicyTarget target : targets.apply(policy.spec())) {
            Resource<S, PolicyStatus> owner = owners.get(place(policy, target));
            if (owner != null && owner != policy) {
                return Draft.Condition.no(
                        "Accepted",
                        "Conflicted",
                        "the older policy " + owner.name() + " is for Service " + target.name() + " too");
            }
        }
        return null;
    }

    /** The same conditions at each Gateway that sends to a target, and then at each Service. */
    Map<Key, Draft> drafts(Function<Resource<S, PolicyStatus>, List<Draft.Condition>> conditions) {
        Map<Key, Draft> all = new HashMap<>();
        for (Resource<S, PolicyStatus> policy : policies) {
            List<Draft.Condition> said = conditions.apply(policy);
            List<Draft.AtParent> ancestors = Stream.concat(
                            senders(policy, gateways).map(PolicyTargets::gateway),
                            senders(policy, parents).map(PolicyTargets::service))
                    .limit(PolicyTargets.MOST_ANCESTORS)
                    .map(each -> new Draft.AtParent(each, said))
                    .toList();
            all.put(policy.key(), new Draft.OfRoute(policy.generation(), ancestors));
        }
        return all;
    }

    /** Those that send to some target of a policy, by name. */
    private Stream<Key> senders(Resource<S, PolicyStatus> policy, Map<Key, Set<Key>> by) {
        return targets.apply(policy.spec()).stream()
                .filter(ServicePolicies::isService)
                .flatMap(target -> by.getOrDefault(new Key(policy.namespace(), target.name()), Set.of()).stream())
                .distinct()
                .sorted(BY_NAME);
    }
}
