package dev.coppice.kernel;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A supervisor's place in the tree, which outlives its restarts.
 *
 * <p>Three locks, always taken in this order: {@code turn} makes starts and restarts of a group (one-for-all,
 * rest-for-one) follow each other; a child's monitor makes its own starts and ends follow each other; {@code lock} guards
 * the list and the status, and nothing runs under it. One-for-one children start and restart beside each other: a slow
 * one holds up nobody.
 */
final class SupervisorNode implements Supervisor {
    private static final System.Logger LOG = System.getLogger(SupervisorNode.class.getName());

    private enum Status {
        STARTING,
        RUNNING,
        STOPPING,
        STOPPED
    }

    private final Kernel kernel;
    private final @Nullable SupervisorNode parent;
    private final String name;
    private final String path;
    private final SupervisorOptions options;
    private final Children children = new Children();
    private final ReentrantLock turn = new ReentrantLock(true);
    private final ReentrantLock lock = new ReentrantLock();
    private final ReentrantLock descent = new ReentrantLock();
    private final RestartIntensity intensity;
    private volatile Status status = Status.STOPPED;
    private volatile @Nullable Run run;
    private volatile @Nullable CounterDataPoint restarts;
    private @Nullable Consumer<ExitReason> onEnd;

    SupervisorNode(Kernel kernel, @Nullable SupervisorNode parent, String name, ChildSpec.SupervisorBody body) {
        this.kernel = kernel;
        this.parent = parent;
        this.name = name;
        this.path = parent == null ? "/" : parent.pathOf(name);
        this.options = body.options();
        this.intensity = new RestartIntensity(options);
        for (ChildSpec spec : body.children()) {
            if (!children.add(ChildNode.of(this, spec, true))) {
                throw new IllegalArgumentException(
                        "supervisor " + path() + " has two children named " + spec.name() + "; rename one");
            }
        }
    }

    /** A running supervisor without a parent; {@code onEnd} hears when it gives up. */
    static SupervisorNode root(Kernel kernel, SupervisorOptions options, Consumer<ExitReason> onEnd) {
        SupervisorNode root =
                new SupervisorNode(kernel, null, "root", new ChildSpec.SupervisorBody(options, List.of()));
        root.onEnd = onEnd;
        root.status = Status.RUNNING;
        return root;
    }

    Kernel kernel() {
        return kernel;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public SupervisorOptions options() {
        return options;
    }

    @Override
    public String path() {
        return path;
    }

    String pathOf(String childName) {
        return parent == null ? "/" + childName : path + "/" + childName;
    }

    /** Whether children may be started now. */
    boolean launching() {
        Status now = status;
        return now == Status.RUNNING || now == Status.STARTING;
    }

    @Override
    public Child start(ChildSpec spec) throws StartException {
        return start(ChildNode.of(this, spec, false));
    }

    @Override
    public <M> ProcessRef<M> spawn(ChildSpec kind, Supplier<? extends Behavior<M>> behavior) throws StartException {
        if (!(kind.body() instanceof ChildSpec.ProcessBody body)) {
            throw new IllegalArgumentException(
                    pathOf(kind.name()) + " is a " + kind.sort() + "; only processes can be spawned");
        }
        return start(new NumberedAddress<>(this, kind, body, behavior, nextNumber()));
    }

    private long nextNumber() {
        lock.lock();
        try {
            return children.nextNumber();
        } finally {
            lock.unlock();
        }
    }

    private <C extends ChildNode> C start(C child) throws StartException {
        boolean grouped = options.strategy() != SupervisorOptions.Strategy.ONE_FOR_ONE;
        if (grouped) {
            turn.lock();
        }
        try {
            admit(child);
            try {
                child.launch(false);
            } catch (StartException e) {
                remove(child);
                throw e;
            }
        } finally {
            if (grouped) {
                turn.unlock();
            }
        }
        kernel.happened("kernel.child.started", child, Map.of());
        return child;
    }

    @Override
    public SupervisedExecutor executor(String childName, int concurrency) throws StartException {
        SupervisedExecutor executor = new SupervisedExecutor(kernel, pathOf(childName), concurrency);
        start(ChildSpec.service(childName, executor::service));
        return executor;
    }

    private void admit(ChildNode child) throws StartException {
        lock.lock();
        try {
            if (!launching()) {
                throw new StartException(
                        child.path() + " was not started: supervisor " + path() + " is not running", null);
            }
            if (children.size() >= options.maxChildren()) {
                throw new StartException(
                        child.path() + " was not started: supervisor " + path() + " holds " + children.size()
                                + " children, its limit; raise maxChildren",
                        null);
            }
            if (!children.add(child)) {
                throw new StartException(
                        child.path() + " was not started: a child of that name exists; stop it, or use another name",
                        null);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean stop(String childName) {
        ChildNode child = find(childName);
        if (child == null) {
            return false;
        }
        child.unwanted();
        child.halt(false);
        remove(child);
        kernel.happened("kernel.child.stopped", child, Map.of());
        return true;
    }

    private @Nullable ChildNode find(String childName) {
        lock.lock();
        try {
            return children.find(childName);
        } finally {
            lock.unlock();
        }
    }

    private void remove(ChildNode child) {
        lock.lock();
        try {
            children.remove(child);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<Child> child(String childName) {
        return Optional.ofNullable(find(childName));
    }

    @Override
    public List<Child> children(int limit) {
        return List.copyOf(firstChildren(limit));
    }

    @Override
    public int childCount() {
        lock.lock();
        try {
            return children.size();
        } finally {
            lock.unlock();
        }
    }

    private List<ChildNode> inOrder() {
        return firstChildren(Integer.MAX_VALUE);
    }

    private List<ChildNode> firstChildren(int limit) {
        lock.lock();
        try {
            return children.inOrder(limit);
        } finally {
            lock.unlock();
        }
    }

    /** Starts the children in order; when one fails, stops those that started and throws. */
    void up(Run own) throws StartException {
        turn.lock();
        try {
            begin(own);
            for (ChildNode child : inOrder()) {
                try {
                    child.launch(false);
                    kernel.happened("kernel.child.started", child, Map.of());
                } catch (StartException e) {
                    down(own, false);
                    throw new StartException("supervisor " + path() + " did not start: " + e.getMessage(), e);
                }
            }
            lock.lock();
            try {
                if (run != own || status != Status.STARTING) {
                    throw new StartException("supervisor " + path() + " was stopped while it was starting", null);
                }
                status = Status.RUNNING;
            } finally {
                lock.unlock();
            }
        } finally {
            turn.unlock();
        }
    }

    private void begin(Run own) throws StartException {
        descent.lock();
        try {
            if (status != Status.STOPPED) {
                // The last life was killed, and its killer has not got here yet; none of its children may be taken
                // over.
                status = Status.STOPPING;
                haltAll(true);
                status = Status.STOPPED;
            }
            lock.lock();
            try {
                if (!own.alive()) {
                    throw new StartException("supervisor " + path() + " was stopped before it started", null);
                }
                run = own;
                status = Status.STARTING;
                intensity.clear();
            } finally {
                lock.unlock();
            }
        } finally {
            descent.unlock();
        }
    }

    /**
     * Ends one life of this supervisor: stops the children in reverse order, or kills them. Does nothing when that life is
     * over, so that a late kill never hits the next one.
     *
     * @return true when this call did it
     */
    boolean down(@Nullable Run own, boolean brutal) {
        List<Run> killed = new ArrayList<>();
        lock.lock();
        try {
            if (run != own || status == Status.STOPPED) {
                return false;
            }
            status = Status.STOPPING;
            for (ChildNode child : inOrder().reversed()) {
                Run current = child.life();
                if (brutal && current != null) {
                    killed.add(current);
                }
            }
        } finally {
            lock.unlock();
        }
        // Before waiting for the turn to descend: whoever descends in order now is done sooner.
        killed.forEach(Run::stopNow);
        descent.lock();
        try {
            if (run != own || status == Status.STOPPED) {
                return false;
            }
            haltAll(brutal);
            status = Status.STOPPED;
            return true;
        } finally {
            descent.unlock();
        }
    }

    private void haltAll(boolean brutal) {
        for (ChildNode child : inOrder().reversed()) {
            child.halt(brutal);
            if (child.spec().restart() == ChildSpec.Restart.TEMPORARY && !child.fixed) {
                remove(child);
            }
        }
    }

    /**
     * A child ended by itself: acts on the thread that ran it {@code last} and does nothing else, or on one of its own, so
     * that nobody waits for a restart.
     */
    void exited(ChildNode child, Run ended, ExitReason reason, @Nullable Activation<?> last) {
        boolean alone = options.strategy() == SupervisorOptions.Strategy.ONE_FOR_ONE && status == Status.RUNNING;
        if (alone
                && reason instanceof ExitReason.Normal
                && !child.spec().restart().after(false)) {
            if (child.forget(ended, reason) && child.isWanted()) {
                removeEnded(child, reason);
            }
            return;
        }
        if (last != null) {
            attend(child, ended, reason, last);
        } else {
            Thread.ofVirtual().start(() -> attend(child, ended, reason, null));
        }
    }

    private void removeEnded(ChildNode child, ExitReason reason) {
        if (!child.fixed || child.spec().restart() == ChildSpec.Restart.TEMPORARY) {
            remove(child);
        }
        kernel.ended(child, reason);
    }

    private void attend(ChildNode child, Run ended, ExitReason reason, @Nullable Activation<?> last) {
        boolean grouped = options.strategy() != SupervisorOptions.Strategy.ONE_FOR_ONE;
        // Alone it has nobody to wait for, unless the supervisor is still starting.
        boolean held = grouped || status != Status.RUNNING;
        if (held) {
            turn.lock();
        }
        Run own;
        try {
            own = run;
            if (status != Status.RUNNING || !child.forget(ended, reason)) {
                return;
            }
            boolean abnormal = !(reason instanceof ExitReason.Normal || reason instanceof ExitReason.Shutdown);
            if (abnormal) {
                kernel.crashed(child, reason);
            }
            if (!child.isWanted()) {
                return;
            }
            if (!child.spec().restart().after(abnormal)) {
                removeEnded(child, reason);
                return;
            }
            if (held && !grouped) {
                turn.unlock();
                held = false;
            }
            restart(child, reason, own, last);
        } finally {
            if (held) {
                turn.unlock();
            }
        }
    }

    private void restart(ChildNode first, ExitReason reason, @Nullable Run own, @Nullable Activation<?> last) {
        boolean grouped = options.strategy() != SupervisorOptions.Strategy.ONE_FOR_ONE;
        ChildNode from = first;
        ExitReason cause = reason;
        while (true) {
            if (!intensity.allows(kernel.clock().nanoTime())) {
                escalate(from, cause, own);
                return;
            }
            List<ChildNode> group = grouped ? group(from) : List.of(from);
            if (grouped) {
                group.forEach(ChildNode::restarting);
                stopAll(group.reversed());
            }
            ChildNode failed = null;
            for (ChildNode child : group) {
                if (child != first && child.spec().restart() == ChildSpec.Restart.TEMPORARY) {
                    child.unwanted();
                    remove(child);
                    continue;
                }
                try {
                    // In a group others may wait for it while they start, so it needs a thread of its own at once.
                    child.launch(true, grouped ? null : last);
                    if (last != null && kernel.telemetry().listens("kernel.child.restarted")) {
                        last.handOver(); // who hears of it may wait for it
                    }
                    countRestart();
                    kernel.restarted(child);
                } catch (StartException e) {
                    if (!launching()) {
                        return;
                    }
                    if (child.isWanted()) {
                        child.restarting();
                        cause = new ExitReason.Crash(e);
                        kernel.crashed(child, cause);
                        failed = child;
                        break;
                    }
                }
            }
            if (failed == null) {
                return;
            }
            from = failed;
        }
    }

    private static void stopAll(List<ChildNode> group) {
        for (ChildNode child : group) {
            if (child.life() != null) {
                child.halt(false);
                child.restarting();
            }
        }
    }

    private void countRestart() {
        CounterDataPoint counted = restarts;
        if (counted == null) {
            counted = kernel.meters().restartsBy(path);
            restarts = counted;
        }
        counted.inc();
    }

    /** Those that are restarted together with one, in order. */
    private List<ChildNode> group(ChildNode from) {
        lock.lock();
        try {
            return children.group(options.strategy(), from);
        } finally {
            lock.unlock();
        }
    }

    private void escalate(ChildNode last, ExitReason cause, @Nullable Run own) {
        lock.lock();
        try {
            if (run != own || status != Status.RUNNING) {
                return;
            }
            status = Status.STOPPING;
        } finally {
            lock.unlock();
        }
        String message = "supervisor " + path() + " gave up: more than " + options.maxRestarts() + " restarts within "
                + options.period() + ", the last of " + last.path();
        LOG.log(Level.ERROR, message);
        kernel.escalated(path(), last.path(), options);
        if (down(own, false)) {
            Throwable why = cause instanceof ExitReason.Crash crash ? crash.cause() : null;
            ExitReason end = new ExitReason.Crash(new RestartIntensityException(message, why));
            if (own != null) {
                own.end(end);
            } else if (onEnd != null) {
                onEnd.accept(end);
            }
        }
    }
}
