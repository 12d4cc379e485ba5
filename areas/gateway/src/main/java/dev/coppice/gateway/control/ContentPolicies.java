package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.ContentPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The ContentPolicies of a snapshot: what becomes of bodies, and what is said of the policies. Not safe for use by many threads. */
final class ContentPolicies {
    private final OldestPolicies<ContentPolicySpec> policies;
    private final Map<Key, ContentConfig> reads = new HashMap<>();
    private final Map<Key, String> problems = new HashMap<>();

    ContentPolicies(List<Resource<ContentPolicySpec, PolicyStatus>> policies) {
        this.policies = new OldestPolicies<>(policies, ContentPolicySpec::targetRefs);
        for (Resource<ContentPolicySpec, PolicyStatus> each : policies) {
            try {
                reads.put(each.key(), config(each.spec(), this.policies.places(each)));
            } catch (InvalidPolicyException e) {
                problems.put(each.key(), String.valueOf(e.getMessage()));
            }
        }
    }

    /** What counts, the older first. */
    List<ContentConfig> configs() {
        return policies.policies().stream()
                .map(each -> reads.get(each.key()))
                .filter(each -> each != null && !each.targets().isEmpty())
                .toList();
    }

    /** What is said, after all routes were attached. */
    Map<Key, Draft> drafts(PolicyTargets all) {
        return policies.drafts(all, this::accepted, _ -> new Draft.Condition[0]);
    }

    private Draft.Condition accepted(Key policy) {
        String problem = problems.get(policy);
        return problem == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no("Accepted", "Invalid", problem);
    }

    private static ContentConfig config(ContentPolicySpec spec, List<TrafficTarget> targets)
            throws InvalidPolicyException {
        ContentPolicySpec.Compression compression = spec.compression();
        return new ContentConfig(
                targets,
                compression == null
                        ? null
                        : new ContentConfig.Compression(
                                compression.algorithms().stream()
                                        .map(each -> Encoding.valueOf(each.toUpperCase(Locale.ROOT)))
                                        .toList(),
                                compression.contentTypes(),
                                compression.minBytes()),
                spec.maxRequestBytes() == null ? ContentConfig.UNBOUNDED : spec.maxRequestBytes(),
                spec.cache() == null ? null : cache(spec.cache()));
    }

    private static ContentConfig.Cache cache(ContentPolicySpec.Cache spec) throws InvalidPolicyException {
        return new ContentConfig.Cache(
                spec.enabled(),
                spec.defaultTtl() == null
                        ? 0
                        : Durations.read("cache.defaultTtl", spec.defaultTtl()).toSeconds(),
                Durations.read("cache.staleWhileRevalidate", spec.staleWhileRevalidate())
                        .toSeconds(),
                Durations.read("cache.staleIfError", spec.staleIfError()).toSeconds(),
                spec.maxBodyBytes(),
                spec.key().ignoredQueryParameters(),
                spec.key().headers(),
                spec.clientDirectives().equals("Honor"),
                Durations.read("cache.collapseTimeout", spec.collapseTimeout()).toMillis(),
                spec.version());
    }
}
