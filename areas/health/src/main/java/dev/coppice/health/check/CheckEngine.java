package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.health.check.Observation.Health;
import dev.coppice.health.kind.CompositeTarget;
import dev.coppice.health.kind.HeartbeatTarget;
import dev.coppice.health.series.Sample;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Runs all checks: each at its interval, spread evenly by a hash of its name, by a bounded number of workers; moves their
 * {@linkplain Machine machines}; keeps every result; tells listeners. Safe for use by many threads.
 *
 * <p>Before a check with dependencies fails, those of them that were not probed since it began are probed first, so that
 * a child is not blamed for what its parent is about to be found guilty of.
 */
public final class CheckEngine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(CheckEngine.class.getName());
    private static final int CONFIRM_DEPTH = 8;
    private static final int CONFIRM_LOOKS = 2;

    /** Called after every result and change, in a worker; must be quick and not throw. */
    @FunctionalInterface
    public interface Listener {
        /** A check is as the view says; the transitions may be empty. */
        void changed(CheckView view, List<Transition> transitions);

        /** A check is known from now on; one that was known before a restart is in the state that it was in. */
        default void added(CheckView view) {}

        /** A check is gone. */
        default void removed(CheckPlan plan) {}
    }

    private final Kernel kernel;
    private final CheckRunner runner;
    private final SeriesStore series;
    private final CheckMemory memory;
    private final EngineMetrics metrics;
    private final WorkerPool pool;
    private final Map<Key, CheckEntry> entries = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final Dependencies dependencies;
    private final Turns turns;
    private volatile boolean closed;

    /** An engine whose workers are children of the supervisor; {@link #start} starts it. */
    public CheckEngine(
            Kernel kernel,
            Supervisor supervisor,
            CheckRunner runner,
            SeriesStore series,
            CheckMemory memory,
            int maxConcurrency) {
        this.kernel = kernel;
        this.runner = runner;
        this.series = series;
        this.memory = memory;
        this.pool = new WorkerPool(supervisor, maxConcurrency);
        this.turns = new Turns(kernel.clock(), kernel.random());
        this.dependencies = new Dependencies(entries, kernel.clock(), entry -> told(entry, List.of()));
        this.metrics = new EngineMetrics(kernel.metrics(), this);
    }

    public void start() throws StartException {
        metrics.register();
        pool.start();
    }

    public void listen(Listener listener) {
        listeners.add(listener);
    }

    /**
     * Adds a check, or gives a known one a new plan. A new check is probed at once, one that was known before a restart at
     * its turn.
     *
     * @param fallback the state it had, for when this process' own memory has none
     */
    public void put(CheckPlan plan, Optional<Machine> fallback) {
        Instant now = kernel.clock().now();
        CheckEntry entry = entries.get(plan.key());
        if (entry != null && !entry.plan.uid().equals(plan.uid())) {
            remove(plan.key());
            entry = null;
        }
        if (entry == null) {
            Optional<Machine> known = memory.machine(plan.uid()).or(() -> fallback);
            entry = new CheckEntry(plan, known.orElseGet(() -> Machine.unknown(now)), series.number(plan.uid()), now);
            entry.probedGeneration = memory.probedGeneration(plan.uid());
            entry.lastBeat = memory.lastBeat(plan.uid()).orElse(null);
            boolean first = entry.probedGeneration != plan.generation();
            entry.registered = first ? now : Heartbeats.since(now, entry.lastBeat, known);
            entries.put(plan.key(), entry);
            dependencies.outdate();
            for (Listener listener : listeners) {
                listener.added(view(entry));
            }
            apply(entry, null);
            boolean atOnce = first || plan.spec().heartbeat() != null;
            schedule(entry, atOnce ? Duration.ZERO : turns.until(plan));
            return;
        }
        CheckPlan old = entry.plan;
        entry.plan = plan;
        dependencies.outdate();
        if (old.generation() != plan.generation()) {
            entry.attempts = 0;
            entry.registered = now;
            apply(entry, null);
            schedule(entry, Duration.ZERO);
        } else {
            told(entry, List.of());
        }
    }

    /** Stops a check and forgets its state and history. */
    public void remove(Key key) {
        CheckEntry entry = withdraw(key);
        if (entry != null) {
            memory.forget(entry.plan.uid());
            series.forget(entry.plan.uid());
        }
    }

    /** Stops a check that cannot run as it stands; its state and history wait for a better plan. */
    public void suspend(Key key) {
        withdraw(key);
    }

    private @Nullable CheckEntry withdraw(Key key) {
        CheckEntry entry = entries.remove(key);
        if (entry != null) {
            entry.lock.lock();
            try {
                entry.removed = true;
            } finally {
                entry.lock.unlock();
            }
            entry.arm(null);
            dependencies.outdate();
            runner.forget(entry.plan);
            for (Listener listener : listeners) {
                listener.removed(entry.plan);
            }
        }
        return entry;
    }

    /** Runs a check as soon as a worker is free; false when there is none of that name. */
    public boolean trigger(Key key) {
        CheckEntry entry = entries.get(key);
        if (entry == null) {
            return false;
        }
        urge(entry);
        return true;
    }

    /** Something called in for a heartbeat check; false when there is no such check. */
    public boolean beat(Key key, boolean success, String message) {
        CheckEntry entry = entries.get(key);
        if (entry == null || entry.plan.spec().heartbeat() == null) {
            return false;
        }
        Instant now = kernel.clock().now();
        entry.lastBeat = now;
        memory.beat(entry.plan.uid(), now);
        finish(
                entry,
                success ? new Attempt(true, false, "", null, null, 0, null, Map.of()) : Attempt.failure(message, null));
        schedule(entry, Heartbeats.left(entry, now));
        return true;
    }

    public Optional<CheckView> view(Key key) {
        return Optional.ofNullable(entries.get(key)).map(this::view);
    }

    /** All checks, in no order. */
    public List<CheckView> views() {
        return entries.values().stream().map(this::view).toList();
    }

    Collection<CheckEntry> entries() {
        return entries.values();
    }

    WorkerPool pool() {
        return pool;
    }

    SeriesStore series() {
        return series;
    }

    private CheckView view(CheckEntry entry) {
        CheckPlan plan = entry.plan;
        Graph now = dependencies.graph();
        return new CheckView(
                plan,
                entry.machine,
                entry.number,
                entry.last,
                entry.lastAt,
                entry.probedGeneration == plan.generation(),
                now.cycle(plan.key()),
                now.missing(plan.key()));
    }

    @Override
    public void close() {
        closed = true;
        pool.close();
        entries.values().forEach(entry -> entry.arm(null));
        metrics.unregister();
    }

    private void schedule(CheckEntry entry, Duration delay) {
        if (closed || entry.removed) {
            return;
        }
        if (delay.isZero()) {
            entry.arm(null);
            enqueue(entry);
        } else {
            entry.arm(kernel.timers().schedule(delay, () -> enqueue(entry)));
        }
    }

    private void enqueue(CheckEntry entry) {
        if (!closed && !entry.removed && entry.queued.compareAndSet(false, true)) {
            entry.dueNanos = kernel.clock().nanoTime();
            pool.submit(() -> take(entry));
        }
    }

    /** Runs a check soon; one that runs already, perhaps on what was so before, runs once more. */
    private void urge(CheckEntry entry) {
        entry.urged.set(true);
        enqueue(entry);
    }

    private void take(CheckEntry entry) {
        metrics.started(kernel.clock().nanoTime() - entry.dueNanos);
        entry.queued.set(false);
        if (!claim(entry)) {
            metrics.skipped();
            return;
        }
        boolean again = true;
        try {
            again = !run(entry, CONFIRM_DEPTH);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            release(entry);
            if (again) {
                schedule(entry, turns.until(entry.plan));
            }
        }
    }

    private boolean claim(CheckEntry entry) {
        if (!entry.busy.compareAndSet(false, true)) {
            return false;
        }
        entry.urged.set(false);
        entry.run = new CompletableFuture<>();
        entry.startedNanos = kernel.clock().nanoTime();
        return true;
    }

    private void release(CheckEntry entry) {
        entry.endedNanos = kernel.clock().nanoTime();
        entry.everEnded = true;
        entry.busy.set(false);
        entry.run.complete(true);
        if (entry.urged.get()) {
            enqueue(entry);
        }
    }

    /** Runs a claimed check; true when it scheduled its next run itself. */
    private boolean run(CheckEntry entry, int depth) throws InterruptedException {
        CheckPlan plan = entry.plan;
        if (entry.removed) {
            return true;
        }
        if (plan.paused()) {
            finish(entry, null);
            return false;
        }
        HeartbeatTarget heartbeat = plan.spec().heartbeat();
        if (heartbeat != null) {
            return awaitHeartbeat(entry);
        }
        CompositeTarget composite = plan.spec().composite();
        if (composite != null) {
            finish(entry, compose(entry, composite));
            return false;
        }
        Attempt attempt = tryOnce(plan);
        if (!attempt.success() && entry.attempts < plan.retries()) {
            entry.attempts++;
            metrics.retried();
            schedule(entry, plan.retryDelay().isZero() ? Duration.ofMillis(1) : plan.retryDelay());
            return true;
        }
        entry.attempts = 0;
        if (!attempt.success() && !plan.dependsOn().isEmpty() && entry.machine.wouldFail(plan.rules())) {
            confirmParents(entry, depth);
        }
        finish(entry, attempt);
        return false;
    }

    private Attempt tryOnce(CheckPlan plan) throws InterruptedException {
        try {
            return runner.run(plan);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "checking " + plan.key() + " broke", e);
            metrics.broke();
            return Attempt.failure("the check itself broke: " + e, null);
        }
    }

    /** Probes the parents that were not probed since the child began, here or by waiting for who does. */
    private void confirmParents(CheckEntry child, int depth) throws InterruptedException {
        for (Key key : dependencies.graph().needs(child.plan.key())) {
            CheckEntry parent = entries.get(key);
            if (parent == null || parent.machine.failing() || parent.plan.paused() || depth == 0) {
                continue;
            }
            boolean remote =
                    parent.plan.spec().heartbeat() == null && parent.plan.spec().composite() == null;
            if (!remote || (parent.everEnded && parent.endedNanos - child.startedNanos > 0)) {
                continue;
            }
            confirm(child, parent, depth);
        }
    }

    /** Who is being probed since before the child began may have been seen as it was then, and is probed again. */
    private void confirm(CheckEntry child, CheckEntry parent, int depth) throws InterruptedException {
        for (int look = 0; look < CONFIRM_LOOKS && !parent.machine.failing(); look++) {
            if (claim(parent)) {
                boolean again = true;
                try {
                    again = !run(parent, depth - 1);
                } finally {
                    release(parent);
                    if (again) {
                        schedule(parent, turns.until(parent.plan));
                    }
                }
                return;
            }
            await(parent);
            if (parent.startedNanos - child.startedNanos > 0) {
                return;
            }
        }
    }

    private static void await(CheckEntry parent) throws InterruptedException {
        try {
            parent.run.get(parent.plan.timeout().toMillis() + 1000, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.log(Level.DEBUG, "a dependency was not probed in time", e);
        }
    }

    private boolean awaitHeartbeat(CheckEntry entry) {
        Instant now = kernel.clock().now();
        Duration wait = Heartbeats.left(entry, now);
        if (!wait.isZero()) {
            finish(entry, null);
            schedule(entry, wait);
            return true;
        }
        finish(entry, Heartbeats.missed(entry, now));
        schedule(entry, entry.plan.interval());
        return true;
    }

    private @Nullable Attempt compose(CheckEntry entry, CompositeTarget target) {
        Graph now = dependencies.graph();
        Map<Key, State> states = new HashMap<>();
        for (Key key : entry.members) {
            CheckEntry member = entries.get(key);
            if (member != null && now.needs(entry.plan.key()).contains(key)) {
                states.put(key, member.machine.state());
            }
        }
        Observation observation = Composition.observe(target, states);
        return Results.attempt(observation);
    }

    /** Takes the outcome of a run; null when there is none to tell. */
    private void finish(CheckEntry entry, @Nullable Attempt attempt) {
        CheckPlan plan = entry.plan;
        if (attempt != null) {
            entry.last = attempt;
            entry.lastAt = kernel.clock().now();
        }
        if (entry.probedGeneration != plan.generation()) {
            entry.probedGeneration = plan.generation();
            memory.probed(plan.uid(), plan.generation());
        }
        apply(entry, attempt);
    }

    private void apply(CheckEntry first, @Nullable Attempt attempt) {
        Deque<CheckEntry> due = new ArrayDeque<>();
        apply(first, attempt, due);
        while (!due.isEmpty()) {
            apply(due.remove(), null, due);
        }
    }

    private void apply(CheckEntry entry, @Nullable Attempt attempt, Deque<CheckEntry> due) {
        CheckPlan plan = entry.plan;
        Machine before;
        Machine after;
        List<Transition> transitions;
        entry.lock.lock();
        try {
            if (entry.removed) {
                return;
            }
            Instant now = kernel.clock().now();
            Circumstances around =
                    new Circumstances(plan.paused(), plan.maintenanceAt(now), dependencies.failedParents(plan));
            before = entry.machine;
            Machine.Step step =
                    before.step(plan.rules(), around, attempt == null ? null : Results.observation(plan, attempt), now);
            after = step.machine();
            transitions = step.transitions();
            entry.machine = after;
            if (attempt != null && !plan.paused()) {
                Sample sample = Results.sample(entry, attempt, now);
                series.append(sample);
                metrics.result(sample.outcome());
            }
            if (!transitions.isEmpty()
                    || before.observed() != after.observed()
                    || !before.changes().equals(after.changes())) {
                memory.keep(plan.uid(), after);
            }
        } finally {
            entry.lock.unlock();
        }
        if (attempt != null || !transitions.isEmpty()) {
            told(entry, transitions);
        }
        if (before.failing() != after.failing() || !before.state().equals(after.state())) {
            propagate(entry, after, due);
        }
    }

    private void propagate(CheckEntry entry, Machine after, Deque<CheckEntry> due) {
        for (Key key : dependencies.graph().neededBy(entry.plan.key())) {
            CheckEntry dependent = entries.get(key);
            if (dependent == null) {
                continue;
            }
            if (!dependent.plan.dependsOn().contains(entry.plan.key())) {
                urge(dependent);
            } else if (dependent.machine.observed() == Health.DOWN) {
                if (after.failing()) {
                    due.add(dependent);
                } else {
                    urge(dependent);
                }
            }
        }
    }

    private void told(CheckEntry entry, List<Transition> transitions) {
        transitions.forEach(metrics::transition);
        CheckView view = view(entry);
        for (Listener listener : listeners) {
            try {
                listener.changed(view, transitions);
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "a listener of check " + entry.plan.key() + " broke", e);
            }
        }
    }
}
