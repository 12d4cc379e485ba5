package dev.coppice.kernel;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;

/**
 * A runtime of supervised processes: one tree, one clock, one source of randomness, one set of timers and metrics. A JVM
 * may hold several (tests do). Safe for use by many threads.
 */
public final class Kernel implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Kernel.class.getName());
    private static final SupervisorOptions ROOT = SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(10));

    private final Clock clock;
    private final SeededRandom random;
    private final SecureRandom secureRandom = new SecureRandom();
    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final KernelMetrics meters = new KernelMetrics(registry);
    private final WheelTimers timers;
    private final LocalTelemetry telemetry;
    private final Watchdog watchdog;
    private final CrashLog crashes = new CrashLog();
    private final CompletableFuture<ExitReason> terminated = new CompletableFuture<>();
    private final AtomicBoolean closing = new AtomicBoolean();
    private final Registry registrations = new Registry();
    private final ProcessGroups groups = new ProcessGroups();
    private final Applications applications = new Applications(this);
    private final Inspector inspector = new Inspector(this, System::nanoTime);
    private final SupervisorNode root;

    private Kernel(Clock clock, long seed) {
        this.clock = clock;
        this.random = new SeededRandom(seed);
        this.timers = new WheelTimers(clock, meters);
        this.telemetry = new LocalTelemetry(meters, clock, random);
        this.watchdog = new Watchdog(this, timers.isSimulated());
        meters.watchTimers(timers::pending);
        meters.watchNames(registrations::size, groups::size);
        root = SupervisorNode.root(this, ROOT, reason -> {
            if (!terminated.isDone()) {
                Thread.ofVirtual().name("kernel terminated").start(() -> terminated.complete(reason));
            }
        });
    }

    /** Starts a kernel on the machine's clock, with a new metrics registry. */
    public static Kernel start() {
        return start(Clock.system());
    }

    /** Starts a kernel with the given clock. */
    public static Kernel start(Clock clock) {
        return start(clock, new SecureRandom().nextLong());
    }

    /** Starts a kernel with the given clock and seed: the same clock and seed give the same timers and random numbers. */
    public static Kernel start(Clock clock, long seed) {
        return new Kernel(clock, seed);
    }

    /** The clock that everything here goes by. */
    public Clock clock() {
        return clock;
    }

    /** Randomness for jitter, sampling and load spreading; thread-safe; seeded. Never for secrets. */
    public RandomGenerator random() {
        return random;
    }

    /** Randomness for keys, tokens and identifiers that must not be guessed. */
    public SecureRandom secureRandom() {
        return secureRandom;
    }

    /** A new random identifier (RFC 9562, version 4) that cannot be guessed. */
    public UUID uuid() {
        long high = secureRandom.nextLong();
        long low = secureRandom.nextLong();
        return new UUID((high & ~0xF000L) | 0x4000L, (low >>> 2) | 0x8000_0000_0000_0000L);
    }

    /** Timers on its clock. */
    public Timers timers() {
        return timers;
    }

    /** Events of everything that runs here. */
    public Telemetry telemetry() {
        return telemetry;
    }

    /** Where every module registers its Prometheus metrics. */
    public PrometheusRegistry metrics() {
        return registry;
    }

    /** The root of the tree; its children are started and stopped in order. */
    public Supervisor root() {
        return root;
    }

    /** The child at a path such as {@code /areas/health/scheduler}. */
    public Optional<Supervisor.Child> find(String path) {
        Supervisor at = root;
        String[] names = path.startsWith("/") ? path.substring(1).split("/", -1) : path.split("/", -1);
        for (int i = 0; i < names.length; i++) {
            Optional<Supervisor.Child> child = at.child(names[i]);
            if (i == names.length - 1 || child.isEmpty()) {
                return child;
            }
            if (!(child.get().spec().body() instanceof ChildSpec.SupervisorBody)) {
                return Optional.empty();
            }
            at = child.get().supervisor();
        }
        return Optional.empty();
    }

    /** Unique names of processes. */
    public Registry registry() {
        return registrations;
    }

    /** Named groups of processes. */
    public ProcessGroups groups() {
        return groups;
    }

    /** What is started and stopped as a whole. */
    public Applications applications() {
        return applications;
    }

    /** Runs work on many inputs, at most {@code limit} at a time; ends when its caller's call ends. */
    public TaskGroup tasks(int limit) {
        return new TaskGroup(this, limit, null);
    }

    /**
     * A picture of the tree.
     *
     * @param maxChildren children shown of each supervisor; the rest is only counted
     */
    public TreeNode tree(int maxChildren) {
        return TreeNode.of(root, maxChildren, clock, inspector);
    }

    /** Looks inside: how each child is, the greatest, traces. */
    public Inspector inspector() {
        return inspector;
    }

    /** The last crashes, at most 100, oldest first. */
    public List<CrashReport> crashes() {
        return crashes.last();
    }

    /**
     * Completes when the tree has ended: with {@link ExitReason.Shutdown} after {@link #close}, with
     * {@link ExitReason.Crash} when the root gave up, after which the process should exit with an error.
     */
    public CompletableFuture<ExitReason> terminated() {
        return terminated.copy();
    }

    /** Stops the tree in reverse start order and waits for it. */
    @Override
    public void close() {
        if (!closing.compareAndSet(false, true)) {
            terminated.join();
            return;
        }
        end(new ExitReason.Shutdown());
    }

    /** Ends it because it can't go on; does nothing when it ends already. */
    void fail(ExitReason reason) {
        if (closing.compareAndSet(false, true)) {
            end(reason);
        }
    }

    private void end(ExitReason reason) {
        root.down(null, false);
        timers.close();
        terminated.complete(reason);
    }

    /** A child ended by itself and is not restarted. */
    void ended(ChildNode child, ExitReason reason) {
        applications.ended(child, reason);
    }

    /**
     * Casts without ever waiting, whatever the policy of the mailbox: false when that has no room now. A dead process drops
     * the message, as it does any other. For those who carry messages of many senders.
     */
    @SuppressWarnings("unchecked")
    public <M> boolean offer(ProcessRef<M> to, M message) {
        if (NamedRef.resolve(to) instanceof ProcessAddress<?> address && address.run() instanceof ProcessRun<?> run) {
            return ((ProcessRun<M>) run).offer(message);
        }
        to.cast(message);
        return true;
    }

    /**
     * Sends a process the exit signal of a link whose other side is not in this kernel. Unlike one that is sent by
     * {@link ProcessRef#exit} it can be trapped whatever the reason, and tells whom it comes from.
     */
    public void exitOfLink(ProcessRef<?> to, ProcessRef<?> from, ExitReason reason) {
        if (NamedRef.resolve(to) instanceof ProcessAddress<?> address && address.run() instanceof ProcessRun<?> run) {
            run.exitSignal(from, reason);
        }
    }

    WheelTimers wheelTimers() {
        return timers;
    }

    KernelMetrics meters() {
        return meters;
    }

    Watchdog watchdog() {
        return watchdog;
    }

    void happened(String event, ChildNode child, Map<String, Object> more) {
        if (!telemetry.listens(event)) {
            return;
        }
        Map<String, Object> metadata = new HashMap<>(more);
        metadata.put("path", child.path());
        metadata.put("sort", child.spec().sort());
        telemetry.emit(new Telemetry.Event(event, Map.of("restarts", child.restarts()), Map.copyOf(metadata)));
    }

    void crashed(ChildNode child, ExitReason reason) {
        crashes.add(clock.currentTimeMillis(), child, reason);
        if (reason instanceof ExitReason.Crash crash) {
            meters.handlerFailures.inc();
            LOG.log(Level.WARNING, () -> child.path() + " crashed", crash.cause());
        }
        if (telemetry.listens("kernel.child.crashed")) {
            happened("kernel.child.crashed", child, Map.of("reason", reason));
        }
    }

    void restarted(ChildNode child) {
        happened("kernel.child.restarted", child, Map.of());
    }

    void escalated(String supervisor, String child, SupervisorOptions options) {
        meters.escalations.inc();
        telemetry.emit(new Telemetry.Event(
                "kernel.supervisor.escalated",
                Map.of(
                        "max_restarts",
                        options.maxRestarts(),
                        "period_seconds",
                        options.period().toMillis() / 1000.0),
                Map.of("path", supervisor, "child", child)));
    }
}
