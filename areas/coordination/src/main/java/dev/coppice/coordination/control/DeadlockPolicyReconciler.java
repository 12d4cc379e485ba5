package dev.coppice.coordination.control;

import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.runtime.Condition;
import dev.coppice.control.runtime.StatusWriter;
import dev.coppice.coordination.kind.DeadlockPolicySpec;
import dev.coppice.coordination.kind.DeadlockPolicyStatus;
import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Writes down what policies met with. */
public final class DeadlockPolicyReconciler implements Reconciler<DeadlockPolicySpec, DeadlockPolicyStatus> {
    private static final Duration REFRESH = Duration.ofSeconds(2);

    private final DeadlockPolicies policies;
    private final Clock clock;

    public DeadlockPolicyReconciler(DeadlockPolicies policies, Clock clock) {
        this.policies = policies;
        this.clock = clock;
    }

    @Override
    public Result reconcile(Request<DeadlockPolicySpec, DeadlockPolicyStatus> request) {
        Optional<Resource<DeadlockPolicySpec, DeadlockPolicyStatus>> found = request.resource();
        if (found.isEmpty()) {
            return Result.DONE;
        }
        Resource<DeadlockPolicySpec, DeadlockPolicyStatus> policy = found.get();
        Key key = policy.key();
        Optional<DeadlockPolicies.Tally> tally = policies.take(key);
        try {
            write(request, policy, tally);
        } catch (RuntimeException e) {
            tally.ifPresent(each -> policies.giveBack(key, each));
            throw e;
        }
        return Result.again(REFRESH);
    }

    private void write(
            Request<DeadlockPolicySpec, DeadlockPolicyStatus> request,
            Resource<DeadlockPolicySpec, DeadlockPolicyStatus> policy,
            Optional<DeadlockPolicies.Tally> tally) {
        DeadlockPolicyStatus before =
                policy.status() == null ? new DeadlockPolicyStatus(0, 0, null, null, List.of()) : policy.status();
        Instant last = tally.map(DeadlockPolicies.Tally::last).orElse(before.lastDeadlock());
        Condition ready = Condition.of("Ready", true, "Watching", "").withGeneration(policy.generation());
        boolean _ = new StatusWriter(request.resources())
                .write(
                        policy,
                        new DeadlockPolicyStatus(
                                before.deadlocks()
                                        + tally.map(DeadlockPolicies.Tally::deadlocks)
                                                .orElse(0L),
                                before.aborted()
                                        + tally.map(DeadlockPolicies.Tally::aborted)
                                                .orElse(0L),
                                last == null ? null : Instant.ofEpochSecond(last.getEpochSecond()),
                                policy.generation(),
                                Condition.set(before.conditions(), ready, clock.now())));
    }
}
