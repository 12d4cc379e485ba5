package dev.coppice.coordination.control;

import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.coordination.kind.DeadlockPolicySpec;
import dev.coppice.coordination.kind.DeadlockPolicySpec.Action;
import dev.coppice.coordination.kind.DeadlockPolicyStatus;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Which policy decides on which deadlock, and what each has met with since it was last written down. Thread-safe. */
public final class DeadlockPolicies {
    private final Informer<DeadlockPolicySpec, DeadlockPolicyStatus> policies;
    private final Map<Key, Tally> tallies = new HashMap<>();

    /** What a policy met with. */
    record Tally(long deadlocks, long aborted, Instant last) {}

    /**
     * What is to be done.
     *
     * @param policies those that decided; empty when there are none
     */
    public record Decision(Action action, List<Key> policies) {}

    public DeadlockPolicies(Informer<DeadlockPolicySpec, DeadlockPolicyStatus> policies) {
        this.policies = policies;
    }

    /** What is to be done about a deadlock among these names: it is resolved when all their policies say so. */
    public Decision decide(Collection<String> names) {
        Set<Key> deciding = new LinkedHashSet<>();
        boolean abort = true;
        List<Resource<DeadlockPolicySpec, DeadlockPolicyStatus>> all = policies.list();
        for (String name : names) {
            Optional<Resource<DeadlockPolicySpec, DeadlockPolicyStatus>> policy = policy(all, name);
            policy.ifPresent(each -> deciding.add(each.key()));
            abort &= policy.map(each -> each.spec().chosen() == Action.AbortYoungest)
                    .orElse(false);
        }
        return new Decision(abort ? Action.AbortYoungest : Action.Report, List.copyOf(deciding));
    }

    private static Optional<Resource<DeadlockPolicySpec, DeadlockPolicyStatus>> policy(
            List<Resource<DeadlockPolicySpec, DeadlockPolicyStatus>> all, String name) {
        Resource<DeadlockPolicySpec, DeadlockPolicyStatus> best = null;
        int longest = -1;
        for (Resource<DeadlockPolicySpec, DeadlockPolicyStatus> each : all) {
            int match = match(each.spec(), name);
            boolean better = match > longest
                    || best != null
                            && match == longest
                            && match >= 0
                            && each.name().compareTo(best.name()) < 0;
            if (better) {
                best = each;
                longest = match;
            }
        }
        return Optional.ofNullable(best);
    }

    /** The length of the longest prefix that a name has; -1 for none. */
    private static int match(DeadlockPolicySpec spec, String name) {
        if (spec.prefixes().isEmpty()) {
            return 0;
        }
        return spec.prefixes().stream()
                .filter(name::startsWith)
                .mapToInt(String::length)
                .max()
                .orElse(-1);
    }

    public synchronized void met(Decision decision, boolean aborted, Instant at) {
        decision.policies()
                .forEach(key -> tallies.merge(
                        key,
                        new Tally(1, aborted ? 1 : 0, at),
                        (one, two) -> new Tally(one.deadlocks() + 1, one.aborted() + two.aborted(), two.last())));
    }

    synchronized Optional<Tally> take(Key key) {
        return Optional.ofNullable(tallies.remove(key));
    }

    /** Gives back what could not be written down. */
    synchronized void giveBack(Key key, Tally tally) {
        tallies.merge(
                key,
                tally,
                (newer, older) -> new Tally(
                        newer.deadlocks() + older.deadlocks(), newer.aborted() + older.aborted(), newer.last()));
    }
}
