package dev.coppice.control.audit;

import dev.coppice.control.request.RequestPath;
import dev.coppice.serving.Identity;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which requests are recorded, and how much of them (audit.k8s.io/v1 Policy): the first rule that is about a request decides;
 * without one it is not recorded. Immutable.
 */
public final class AuditPolicy {
    private final List<AuditRule> rules;
    private final Set<AuditStage> omitStages;
    private final boolean omitManagedFields;

    AuditPolicy(List<AuditRule> rules, Set<AuditStage> omitStages, boolean omitManagedFields) {
        this.rules = List.copyOf(rules);
        this.omitStages = Set.copyOf(omitStages);
        this.omitManagedFields = omitManagedFields;
    }

    /** What becomes of one request. */
    public record Decision(AuditLevel level, Set<AuditStage> omitStages, boolean omitManagedFields) {}

    /**
     * Decides on a request.
     *
     * @param identity who sent it, whoever it is to be treated as
     * @param resource null for a path that is no resource
     */
    public Decision decide(Identity identity, String verb, @Nullable RequestPath resource, String path) {
        for (AuditRule rule : rules) {
            if (rule.matches(identity, verb, resource, path)) {
                Set<AuditStage> omitted = EnumSet.noneOf(AuditStage.class);
                omitted.addAll(omitStages);
                omitted.addAll(rule.omitStages());
                Boolean own = rule.omitManagedFields();
                return new Decision(rule.level(), omitted, own == null ? omitManagedFields : own);
            }
        }
        return new Decision(AuditLevel.NONE, omitStages, omitManagedFields);
    }
}
