package dev.coppice.coordination;

import dev.coppice.control.Controller;
import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.coordination.control.DeadlockDetector;
import dev.coppice.coordination.control.DeadlockPolicies;
import dev.coppice.coordination.control.DeadlockPolicyReconciler;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import dev.coppice.coordination.kind.CoordinationKinds;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.store.Keyspace;
import io.prometheus.metrics.core.metrics.Counter;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the coordination area does about deadlocks: DeadlockPolicies, events, resolution. Runs on the leader; keeps nothing. */
public final class DeadlockExtension implements Extension {
    private static final Duration LOOK = Duration.ofMillis(200);

    private final Keyspace keys;
    private final DeadlockWatch watch;
    private @Nullable AutoCloseable metrics;

    /**
     * @param keys the users' keyspace
     * @param watch of {@link CoordinationExtension}, which runs on the same node
     */
    DeadlockExtension(Keyspace keys, DeadlockWatch watch) {
        this.keys = keys;
        this.watch = watch;
    }

    @Override
    public String name() {
        return "deadlocks";
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        context.register(CoordinationKinds.DEADLOCK_POLICY);
        DeadlockPolicies policies = new DeadlockPolicies(context.informer(CoordinationKinds.DEADLOCK_POLICY));
        Counter found = Counter.builder()
                .name("coppice_coordination_deadlocks_total")
                .help("Deadlocks found, by what was done about them.")
                .labelNames("action")
                .register(context.kernel().metrics());
        metrics = () -> context.kernel().metrics().unregister(found);
        context.start(Controller.of(
                "deadlockpolicy",
                CoordinationKinds.DEADLOCK_POLICY,
                new DeadlockPolicyReconciler(policies, context.kernel().clock())));
        DeadlockDetector detector =
                new DeadlockDetector(context.kernel(), keys, watch, policies, context.resources(), found);
        var _ = context.supervisor().start(ChildSpec.periodic("detector", LOOK, Duration.ZERO, detector::look));
    }

    @Override
    public void stop() throws Exception {
        if (metrics != null) {
            metrics.close();
        }
    }
}
