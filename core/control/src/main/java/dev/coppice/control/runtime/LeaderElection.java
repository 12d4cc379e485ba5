package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Task;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Lets one of several processes lead, by a Lease (the algorithm of Kubernetes' client-go). While it leads, children run
 * below the given supervisor; when it no longer does they are stopped. A lease that others renew is only taken over once
 * it did not change for its duration by this process's own clock, so clocks need not agree. One that carries this
 * identity, or nobody's, is taken at once: a single node leads immediately. Run it as a task of the kernel; when that is
 * stopped, it gives the lease back, so that another one need not wait.
 */
public final class LeaderElection implements Task {

    private static final System.Logger LOG = System.getLogger(LeaderElection.class.getName());
    private static final ResourceType LEASES = new ResourceType("coordination.k8s.io", "v1", "leases");
    private static final DateTimeFormatter MICROS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    /**
     * Times.
     *
     * @param lease how long others wait before they take over
     * @param renewDeadline how long this may fail to renew before it steps down; less than {@code lease}
     * @param retry between tries
     */
    public record Timing(Duration lease, Duration renewDeadline, Duration retry) {
        public static final Timing DEFAULT =
                new Timing(Duration.ofSeconds(15), Duration.ofSeconds(10), Duration.ofSeconds(2));

        public Timing {
            if (renewDeadline.compareTo(lease) >= 0 || retry.compareTo(renewDeadline) >= 0) {
                throw new IllegalArgumentException("retry " + retry + " has to be less than the renew deadline "
                        + renewDeadline + ", and that less than the lease " + lease);
            }
        }
    }

    private final Kernel kernel;
    private final ResourceClient client;
    private final String namespace;
    private final String name;
    private final String identity;
    private final Timing timing;
    private final Supervisor parent;
    private final List<ChildSpec> children;
    private final RuntimeMetrics metrics;
    private volatile boolean leading;
    private volatile boolean held;
    private volatile long heldUntilNanos;
    private volatile boolean heard;
    private volatile long heardNanos;
    private volatile String holder = "";
    private @Nullable String observedRecord;
    private long observedNanos;
    private final Object turn = new Object();
    private long term;

    public LeaderElection(
            Kernel kernel,
            ResourceClient client,
            String namespace,
            String name,
            String identity,
            Timing timing,
            Supervisor parent,
            List<ChildSpec> children) {
        this.kernel = kernel;
        this.client = client;
        this.namespace = namespace;
        this.name = name;
        this.identity = identity;
        this.timing = timing;
        this.parent = parent;
        this.children = List.copyOf(children);
        this.metrics = RuntimeMetrics.of(kernel.metrics());
    }

    public boolean leading() {
        return leading;
    }

    /**
     * Whether nobody else can hold the lease now: it was renewed less than its duration ago by this process's clock. What is
     * still on its way when a process steps down, or wakes up from a long pause, asks this before it writes.
     */
    public boolean holds() {
        return held && kernel.clock().nanoTime() - heldUntilNanos < 0;
    }

    /** Who held the lease when it was last seen; empty for nobody. */
    public String holder() {
        return holder;
    }

    /** Whether the API answered about the lease less than its duration ago. */
    public boolean inTouch() {
        return heard && kernel.clock().nanoTime() - heardNanos < timing.lease().toNanos();
    }

    @Override
    public void run() throws Exception {
        while (true) {
            acquire();
            long mine = begin();
            try {
                lead();
            } finally {
                stepDown(mine);
                release();
            }
        }
    }

    /** Gives the lease back, so that another one takes it without waiting for its end; what fails there is left to time. */
    private void release() {
        boolean interrupted = Thread.interrupted();
        try {
            Optional<ObjectNode> found = client.get(LEASES, namespace, name);
            if (found.isPresent() && holder(found.get()).equals(identity)) {
                JsonNode spec = found.get().path("spec");
                ObjectNode released = lease(
                        spec.path("leaseTransitions").asInt(),
                        spec.get("acquireTime"),
                        found.get().path("metadata").path("resourceVersion"));
                ((ObjectNode) released.path("spec")).put("holderIdentity", "").put("leaseDurationSeconds", 1);
                ObjectNode _ = client.update(LEASES, released);
                LOG.log(Level.INFO, identity + " gave " + name + " back");
            }
        } catch (ApiException e) {
            LOG.log(Level.INFO, "lease " + name + " could not be given back: " + e.getMessage());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void acquire() throws InterruptedException {
        while (!attempt()) {
            kernel.timers().sleep(jittered(timing.retry()));
        }
    }

    /** Starts the children. Those of an earlier run of this task, one that was killed, may still be there. */
    private long begin() throws StartException {
        synchronized (turn) {
            boolean _ = parent.stop("leading " + name);
            Supervisor supervisor = parent.startSupervisor("leading " + name, SupervisorOptions.DEFAULT);
            for (ChildSpec child : children) {
                Supervisor.Child _ = supervisor.start(child);
            }
            leading = true;
            metrics.leader.labelValues(name).set(1);
            LOG.log(Level.INFO, identity + " leads " + name);
            return ++term;
        }
    }

    private void lead() throws InterruptedException {
        long renewedNanos = kernel.clock().nanoTime();
        while (kernel.clock().nanoTime() - renewedNanos < timing.renewDeadline().toNanos()) {
            kernel.timers().sleep(timing.retry());
            long triedNanos = kernel.clock().nanoTime();
            if (attempt()) {
                renewedNanos = triedNanos;
            } else if (heldByAnother()) {
                break;
            }
        }
    }

    private void stepDown(long mine) {
        synchronized (turn) {
            if (mine == term) {
                LOG.log(Level.INFO, identity + " no longer leads " + name);
                held = false;
                holder = "";
                boolean _ = parent.stop("leading " + name);
                leading = false;
                metrics.leader.labelValues(name).set(0);
            }
        }
    }

    private Duration jittered(Duration duration) {
        return Duration.ofNanos(
                (long) (duration.toNanos() * (1 + 0.2 * kernel.random().nextDouble())));
    }

    private boolean heldByAnother() {
        try {
            return client.get(LEASES, namespace, name)
                    .map(LeaderElection::holder)
                    .filter(holder -> !holder.isEmpty() && !holder.equals(identity))
                    .isPresent();
        } catch (ApiException e) {
            return false;
        }
    }

    /** Tries to take or renew the lease; true when it is held now. */
    private boolean attempt() {
        long sentNanos = kernel.clock().nanoTime();
        boolean mine = write();
        if (mine) {
            heldUntilNanos = sentNanos + timing.lease().toNanos();
            held = true;
            holder = identity;
        }
        return mine;
    }

    private boolean write() {
        try {
            Optional<ObjectNode> found = client.get(LEASES, namespace, name);
            heardNanos = kernel.clock().nanoTime();
            heard = true;
            if (found.isEmpty()) {
                ObjectNode _ = client.create(LEASES, lease(0, null, null));
                return true;
            }
            ObjectNode current = found.get();
            String seen = holder(current);
            holder = seen;
            observe(current);
            if (!seen.isEmpty() && !seen.equals(identity) && !expired(current)) {
                return false;
            }
            boolean mine = seen.equals(identity);
            int transitions = current.path("spec").path("leaseTransitions").asInt() + (mine ? 0 : 1);
            JsonNode acquired = mine ? current.path("spec").get("acquireTime") : null;
            ObjectNode _ = client.update(
                    LEASES,
                    lease(transitions, acquired, current.path("metadata").path("resourceVersion")));
            return true;
        } catch (ApiException e) {
            Level level = e.code() == 409 ? Level.DEBUG : Level.WARNING;
            LOG.log(level, "lease " + name + " could not be taken: " + e.getMessage());
            return false;
        }
    }

    private static String holder(ObjectNode lease) {
        return lease.path("spec").path("holderIdentity").asText("");
    }

    private void observe(ObjectNode current) {
        String seen = current.path("spec").toString();
        if (!seen.equals(observedRecord)) {
            observedRecord = seen;
            observedNanos = kernel.clock().nanoTime();
        }
    }

    private boolean expired(ObjectNode current) {
        long seconds = current.path("spec")
                .path("leaseDurationSeconds")
                .asLong(timing.lease().toSeconds());
        return kernel.clock().nanoTime() - observedNanos
                >= Duration.ofSeconds(seconds).toNanos();
    }

    private ObjectNode lease(int transitions, @Nullable JsonNode acquired, @Nullable JsonNode resourceVersion) {
        Instant now = kernel.clock().now();
        ObjectNode lease = JsonNodeFactory.instance.objectNode();
        lease.put("apiVersion", "coordination.k8s.io/v1").put("kind", "Lease");
        ObjectNode metadata = lease.putObject("metadata").put("name", name).put("namespace", namespace);
        if (resourceVersion != null) {
            metadata.set("resourceVersion", resourceVersion);
        }
        ObjectNode spec = lease.putObject("spec")
                .put("holderIdentity", identity)
                .put("leaseDurationSeconds", (int) timing.lease().toSeconds())
                .put("renewTime", MICROS.format(now))
                .put("leaseTransitions", transitions);
        if (acquired == null) {
            spec.put("acquireTime", MICROS.format(now));
        } else {
            spec.set("acquireTime", acquired);
        }
        return lease;
    }
}
