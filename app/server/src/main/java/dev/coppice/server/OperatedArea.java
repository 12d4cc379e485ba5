package dev.coppice.server;

import dev.coppice.control.Extension;
import dev.coppice.control.runtime.Backoff;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.control.runtime.LeaderElection;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.operator.ClusterBackend;
import dev.coppice.operator.ClusterConnection;
import dev.coppice.operator.ClusterResourceClient;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * One area as an operator: while this process holds the area's Lease, the area runs; while another one does, signs stand where it
 * would answer. Safe for use by many threads.
 */
final class OperatedArea {
    private static final System.Logger LOG = System.getLogger(OperatedArea.class.getName());
    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(60));

    /** What it does now. */
    sealed interface State {
        /** For people. */
        String words();
    }

    record Leading() implements State {
        @Override
        public String words() {
            return "leads";
        }
    }

    /**
     * Leads, and does not work yet.
     *
     * @param problem why a start failed; empty while the first one goes on
     */
    record Starting(String problem) implements State {
        @Override
        public String words() {
            return problem.isEmpty() ? "leads, and starts" : "leads, and does not start: " + problem;
        }
    }

    /**
     * Waits.
     *
     * @param leader who holds the Lease; empty when that is not known
     */
    record Following(String leader) implements State {
        @Override
        public String words() {
            return leader.isEmpty() ? "waits for its Lease" : "waits, " + leader + " leads";
        }
    }

    private final Kernel kernel;
    private final String name;
    private final Standby standby;
    private final ExtensionHost host;
    private final LeaderElection election;
    private volatile State work = new Starting("");

    /**
     * An area whose election begins at once.
     *
     * @param parent below which {@code NAME} is started
     */
    OperatedArea(
            Kernel kernel,
            Supervisor parent,
            String name,
            ClusterConnection connection,
            OperatorOptions options,
            Lease lease,
            ExtensionHost.Surroundings surroundings)
            throws StartException {
        this.kernel = kernel;
        this.name = name;
        Extension area = OperatedAreas.make(name);
        this.standby = new PublicSigns(surroundings.publicRoutes(), area.publicPrefixes());
        Supervisor supervisor = parent.startSupervisor(name, PATIENT);
        ChildSpec duty = ChildSpec.task("duty", this::run).withShutdown(STOP_LIMIT);
        LeaderElection.Timing timing = lease.timing();
        this.election = new LeaderElection(
                kernel,
                new ClusterResourceClient(
                        connection, "coppice-operator", timing.renewDeadline().dividedBy(2)),
                lease.namespace(),
                "coppice-" + name,
                lease.identity(),
                timing,
                supervisor,
                List.of(duty));
        this.host = new ExtensionHost(
                kernel,
                supervisor,
                new ClusterBackend(
                        connection, options.namespaces(), OperatedAreas.namespaced(List.of(name)), election::holds),
                surroundings);
        standby.open();
        Supervisor.Child _ =
                supervisor.start(ChildSpec.task("election", election).withShutdown(STOP_LIMIT));
    }

    /**
     * Which Lease, and who wants it.
     *
     * @param identity unique among all that run
     */
    record Lease(String namespace, String identity, LeaderElection.Timing timing) {
        static Lease of(String namespace, String identity, int seconds) {
            Duration whole = Duration.ofSeconds(seconds);
            return new Lease(
                    namespace,
                    identity,
                    new LeaderElection.Timing(
                            whole,
                            whole.multipliedBy(2).dividedBy(3),
                            whole.multipliedBy(2).dividedBy(15)));
        }
    }

    /** Runs while this process leads. A start that fails is tried again, with back-off, as long as it does. */
    private void run() throws InterruptedException {
        int failures = 0;
        try {
            standby.close();
            while (true) {
                try {
                    work = new Starting("");
                    host.start(OperatedAreas.make(name));
                    work = new Leading();
                    new CountDownLatch(1).await();
                } catch (StartException e) {
                    failures++;
                    work = new Starting(e.getMessage() == null ? e.toString() : e.getMessage());
                    LOG.log(Level.WARNING, "area " + name + " is started again: " + e.getMessage());
                    kernel.timers().sleep(Backoff.WATCHES.after(failures, kernel.random()));
                }
            }
        } finally {
            host.stop(name);
            standby.open();
            work = new Starting("");
        }
    }

    String name() {
        return name;
    }

    State state() {
        if (election.leading()) {
            return work;
        }
        return new Following(election.holder());
    }

    /** Whether it leads and works, or has heard of another one that leads. */
    boolean ready() {
        return switch (state()) {
            case Leading _ -> election.holds();
            case Starting _ -> false;
            case Following _ -> election.inTouch();
        };
    }
}
