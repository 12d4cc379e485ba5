package dev.coppice.coordination.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient;
import dev.coppice.coordination.contention.Contender;
import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.deadlock.Deadlock;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import dev.coppice.coordination.kind.CoordinationKinds;
import dev.coppice.coordination.kind.DeadlockPolicySpec.Action;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Telemetry;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.coordination.FairQueue;
import io.grpc.Status.Code;
import io.prometheus.metrics.core.metrics.Counter;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tells of deadlocks, and resolves those that a policy says it of. Runs on the leader. One thread at a time.
 *
 * <p>A deadlock does not pass by itself while all its places are still there, which is asked in one transaction before
 * anything is revoked. Revoking the leases, and not only deleting keys, is what all clients notice: etcd's client library ends
 * its session then.
 */
public final class DeadlockDetector {
    private static final System.Logger LOG = System.getLogger(DeadlockDetector.class.getName());
    private static final int MOST_CONDITIONS = 100;

    private final Kernel kernel;
    private final Keyspace keys;
    private final DeadlockWatch watch;
    private final DeadlockPolicies policies;
    private final ResourceClient resources;
    private final Counter counter;
    private Set<String> told = Set.of();

    public DeadlockDetector(
            Kernel kernel,
            Keyspace keys,
            DeadlockWatch watch,
            DeadlockPolicies policies,
            ResourceClient resources,
            Counter counter) {
        this.kernel = kernel;
        this.keys = keys;
        this.watch = watch;
        this.policies = policies;
        this.resources = resources;
        this.counter = counter;
    }

    /** Looks, and acts on what is new; what a policy says by now of what is not. */
    public void look() {
        Set<String> now = new HashSet<>();
        for (Deadlock deadlock : watch.now().found().deadlocks()) {
            now.add(deadlock.id());
            act(deadlock, !told.contains(deadlock.id()));
        }
        told = now;
    }

    private void act(Deadlock deadlock, boolean fresh) {
        DeadlockPolicies.Decision decision = policies.decide(deadlock.names());
        boolean abort = decision.action() == Action.AbortYoungest;
        if (!fresh && !abort) {
            return;
        }
        Set<String> revoked = abort ? abort(deadlock) : Set.of();
        if (!fresh && revoked.isEmpty()) {
            return;
        }
        String outcome = revoked.isEmpty()
                ? "Nothing was done about it: a DeadlockPolicy with AbortYoungest would resolve it."
                : "Resolved by ending " + deadlock.victim().name() + ", which began last (leases "
                        + String.join(", ", revoked) + ").";
        LOG.log(Level.WARNING, "deadlock: {0}. {1}", deadlock.words(), outcome);
        counter.labelValues(revoked.isEmpty() ? "report" : "abort").inc();
        policies.met(decision, !revoked.isEmpty(), kernel.clock().now());
        kernel.telemetry()
                .emit(new Telemetry.Event(
                        "coordination.deadlock",
                        Map.of("members", deadlock.members()),
                        Map.of(
                                "cycle", deadlock.words(),
                                "victim", deadlock.victim().name(),
                                "action", decision.action().name().toLowerCase(Locale.ROOT))));
        tell(deadlock, outcome, revoked.isEmpty() ? "Deadlock" : "DeadlockResolved");
    }

    /** One event for each lock of the cycle, so that each of them shows it. */
    private void tell(Deadlock deadlock, String outcome, String reason) {
        for (String name : deadlock.names()) {
            boolean election = watch.now()
                    .contention()
                    .queue(name)
                    .map(queue -> queue.sort() == Queue.Sort.ELECTION)
                    .orElse(false);
            ObjectNode regarding = JsonNodeFactory.instance.objectNode();
            regarding
                    .put("apiVersion", CoordinationKinds.GROUP + "/v1")
                    .put("kind", election ? "Election" : "Lock")
                    .putObject("metadata")
                    .put("name", Views.resourceName(name))
                    .put("uid", Views.uid(name));
            try {
                resources.event(regarding, "Warning", reason, deadlock.words() + ". " + outcome);
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "an event about a deadlock could not be recorded", e);
            }
        }
    }

    /** Ends the victim's leases, if the deadlock is still there; the leases that were ended. */
    private Set<String> abort(Deadlock deadlock) {
        List<Contender> places = new ArrayList<>(deadlock.places());
        deadlock.links().forEach(link -> places.addAll(List.of(link.waits(), link.blocked())));
        TxnRequest.Builder still = TxnRequest.newBuilder();
        places.stream()
                .distinct()
                .limit(MOST_CONDITIONS)
                .forEach(each -> still.addCompare(FairQueue.createdAt(each.key(), each.token())));
        Set<String> revoked = new TreeSet<>();
        try {
            if (!keys.txn(still.build()).getSucceeded()) {
                return revoked;
            }
            for (long lease : deadlock.places().stream()
                    .mapToLong(Contender::lease)
                    .distinct()
                    .toArray()) {
                revoke(lease, revoked);
            }
        } catch (StoreException e) {
            LOG.log(Level.WARNING, "a deadlock could not be resolved, which is tried again: " + e.getMessage());
        }
        return revoked;
    }

    private void revoke(long lease, Set<String> revoked) {
        try {
            var _ = keys.revoke(LeaseRevokeRequest.newBuilder().setID(lease).build());
            revoked.add(Long.toHexString(lease));
        } catch (StoreException e) {
            if (e.code() != Code.NOT_FOUND) {
                throw e;
            }
        }
    }
}
