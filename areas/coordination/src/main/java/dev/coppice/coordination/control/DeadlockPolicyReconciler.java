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

    @Override
    public List<String> plan(Planned<DeadlockPolicySpec, DeadlockPolicyStatus> planned) {
        Optional<DeadlockPolicySpec> before = planned.before().map(Resource::spec);
        Optional<DeadlockPolicySpec> after = planned.after().map(Resource::spec);
        if (before.equals(after)) {
            return List.of();
        }
        DeadlockPolicySpec spec = after.or(() -> before).orElseThrow();
        String which =
                spec.prefixes().isEmpty() ? "all locks" : "locks that begin with " + String.join(", ", spec.prefixes());
        boolean aborts = after.isPresent() && spec.chosen() == DeadlockPolicySpec.Action.AbortYoungest;
        return List.of(
                aborts
                        ? "will end the youngest contender of each deadlock among " + which
                        : "will only report deadlocks among " + which
                                + (after.isPresent() ? "" : ", unless another policy says otherwise"));
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
