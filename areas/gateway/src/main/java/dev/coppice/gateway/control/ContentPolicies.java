package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.ContentPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The ContentPolicies of a snapshot: what becomes of bodies, and what is said of the policies. Not safe for use by many threads. */
final class ContentPolicies {
    private final OldestPolicies<ContentPolicySpec> policies;

    ContentPolicies(List<Resource<ContentPolicySpec, PolicyStatus>> policies) {
        this.policies = new OldestPolicies<>(policies, ContentPolicySpec::targetRefs);
    }

    /** What counts, the older first. */
    List<ContentConfig> configs() {
        return policies.policies().stream()
                .map(each -> config(each.spec(), policies.places(each)))
                .filter(each -> !each.targets().isEmpty())
                .toList();
    }

    /** What is said, after all routes were attached. */
    Map<Key, Draft> drafts(PolicyTargets all) {
        return policies.drafts(all, _ -> Draft.Condition.yes("Accepted", "Accepted"), _ -> new Draft.Condition[0]);
    }

    private static ContentConfig config(ContentPolicySpec spec, List<TrafficTarget> targets) {
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
                spec.maxRequestBytes() == null ? ContentConfig.UNBOUNDED : spec.maxRequestBytes());
    }
}
