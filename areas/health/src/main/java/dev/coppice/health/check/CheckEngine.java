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
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
    private static final int GRAPH_AT_ONCE = 500;
    private static final long GRAPH_PAUSE_NANOS = 100_000_000;

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
    private final Object graphLock = new Object();
    private volatile Graph graph = Graph.of(Map.of());
    private volatile boolean graphStale;
    private volatile long graphNanos;
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
            if (!first) {
                entry.registered = earliest(now, entry.lastBeat, known);
            }
            entries.put(plan.key(), entry);
            graphStale = true;
            for (Listener listener : listeners) {
                listener.added(view(entry));
            }
            apply(entry, null);
            schedule(entry, first ? Duration.ZERO : untilTurn(plan));
            return;
        }
        CheckPlan old = entry.plan;
        entry.plan = plan;
        graphStale = true;
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
            graphStale = true;
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
        schedule(entry, heartbeatWait(entry, now));
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
        Graph now = graph();
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

    // ---- scheduling

    /** Time until a check's next turn: turns are spread over the interval by a hash of the name. */
    private Duration untilTurn(CheckPlan plan) {
        long interval = Math.max(1, plan.interval().toMillis());
        long phase = Math.floorMod(spread(plan.key()), interval);
        long since = Math.floorMod(kernel.clock().currentTimeMillis() - phase, interval);
        long jitter = plan.jitter().toMillis();
        return Duration.ofMillis(
                interval - since + (jitter > 0 ? kernel.random().nextLong(jitter + 1) : 0));
    }

    private static long spread(Key key) {
        long hash = 1125899906842597L;
        String text = key.toString();
        for (int i = 0; i < text.length(); i++) {
            hash = 31 * hash + text.charAt(i);
        }
        hash ^= hash >>> 33;
        hash *= 0xff51afd7ed558ccdL;
        return hash ^ hash >>> 33;
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
                schedule(entry, untilTurn(entry.plan));
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

    // ---- running

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
        for (Key key : graph().needs(child.plan.key())) {
            CheckEntry parent = entries.get(key);
            if (parent == null || parent.machine.failing() || parent.plan.paused() || depth == 0) {
                continue;
            }
            boolean remote =
                    parent.plan.spec().heartbeat() == null && parent.plan.spec().composite() == null;
            if (!remote || (parent.everEnded && parent.endedNanos - child.startedNanos > 0)) {
                continue;
            }
            if (claim(parent)) {
                boolean again = true;
                try {
                    again = !run(parent, depth - 1);
                } finally {
                    release(parent);
                    if (again) {
                        schedule(parent, untilTurn(parent.plan));
                    }
                }
            } else {
                await(parent);
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
        Duration wait = heartbeatWait(entry, now);
        if (!wait.isZero()) {
            finish(entry, null);
            schedule(entry, wait);
            return true;
        }
        Instant beat = entry.lastBeat;
        Duration silent = Duration.between(beat == null ? entry.registered : beat, now);
        finish(
                entry,
                Attempt.failure(
                        "no heartbeat for " + Durations.text(Duration.ofSeconds(silent.toSeconds()))
                                + "; one is expected every " + Durations.text(entry.plan.interval()),
                        null));
        schedule(entry, entry.plan.interval());
        return true;
    }

    /** Since when a heartbeat check that was known before a restart waits. */
    private static Instant earliest(Instant now, @Nullable Instant beat, Optional<Machine> known) {
        Instant since = beat != null ? beat : known.map(Machine::since).orElse(now);
        return since.isBefore(now) ? since : now;
    }

    /** What is left until a beat is overdue. A beat that fell into a restart may still come within the grace. */
    private Duration heartbeatWait(CheckEntry entry, Instant now) {
        HeartbeatTarget target = entry.plan.spec().heartbeat();
        Duration grace = target == null || target.grace() == null ? Duration.ofSeconds(10) : target.grace();
        Instant beat = entry.lastBeat;
        Instant from = beat == null || beat.isBefore(entry.registered) ? entry.registered : beat;
        Instant due = from.plus(entry.plan.interval()).plus(grace);
        Instant earliest = entry.known.plus(grace);
        Duration wait = Duration.between(now, due.isBefore(earliest) ? earliest : due);
        return wait.isNegative() ? Duration.ZERO : wait;
    }

    private @Nullable Attempt compose(CheckEntry entry, CompositeTarget target) {
        Graph now = graph();
        Map<Key, State> states = new HashMap<>();
        for (Key key : entry.members) {
            CheckEntry member = entries.get(key);
            if (member != null && now.needs(entry.plan.key()).contains(key)) {
                states.put(key, member.machine.state());
            }
        }
        Observation observation = Composition.observe(target, states);
        boolean success = observation.health() != Health.DOWN;
        return observation.health() == Health.UNKNOWN
                ? null
                : new Attempt(
                        success,
                        observation.health() == Health.DEGRADED,
                        observation.message(),
                        null,
                        null,
                        0,
                        null,
                        Map.of());
    }

    // ---- results

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
            Circumstances around = new Circumstances(plan.paused(), plan.maintenanceAt(now), failedParents(plan));
            before = entry.machine;
            Machine.Step step =
                    before.step(plan.rules(), around, attempt == null ? null : observation(plan, attempt), now);
            after = step.machine();
            transitions = step.transitions();
            entry.machine = after;
            if (attempt != null && !plan.paused()) {
                record(entry, attempt, now);
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
        for (Key key : graph().neededBy(entry.plan.key())) {
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

    private static Observation observation(CheckPlan plan, Attempt attempt) {
        if (!attempt.success()) {
            return new Observation(Health.DOWN, attempt.message());
        }
        Duration slow = plan.spec().degradedAfter();
        Duration latency = attempt.latency();
        if (slow != null && latency != null && latency.compareTo(slow) > 0) {
            return new Observation(
                    Health.DEGRADED, "took " + Durations.text(latency) + ", more than " + Durations.text(slow));
        }
        return attempt.degraded() ? new Observation(Health.DEGRADED, attempt.message()) : Observation.UP;
    }

    private void record(CheckEntry entry, Attempt attempt, Instant now) {
        Sample.Outcome outcome = switch (entry.machine.state()) {
            case State.Maintenance ignored -> Sample.Outcome.MAINTENANCE;
            case State.Suppressed ignored -> Sample.Outcome.SUPPRESSED;
            case State.Degraded ignored when attempt.success() -> Sample.Outcome.DEGRADED;
            case State.Unknown ignored -> plain(attempt);
            case State.Up ignored -> plain(attempt);
            case State.Degraded ignored -> plain(attempt);
            case State.Down ignored -> plain(attempt);
            case State.Paused ignored -> plain(attempt);
        };
        series.append(new Sample(
                entry.number,
                now.toEpochMilli(),
                outcome,
                attempt.code(),
                micros(attempt.latency()),
                micros(attempt.connect())));
        metrics.result(outcome);
    }

    private static Sample.Outcome plain(Attempt attempt) {
        return attempt.success() ? Sample.Outcome.UP : Sample.Outcome.DOWN;
    }

    private static int micros(@Nullable Duration duration) {
        return duration == null ? -1 : (int) Math.min(Integer.MAX_VALUE, duration.toNanos() / 1000);
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

    // ---- dependencies

    private List<Key> failedParents(CheckPlan plan) {
        if (plan.dependsOn().isEmpty()) {
            return List.of();
        }
        Set<Key> needs = graph().needs(plan.key());
        return plan.dependsOn().stream()
                .filter(needs::contains)
                .filter(this::failing)
                .toList();
    }

    private boolean failing(Key key) {
        CheckEntry parent = entries.get(key);
        return parent != null && parent.machine.failing();
    }

    /** The graph of all checks; with many checks, it may be a tenth of a second old. */
    private Graph graph() {
        if (!graphStale || tooSoon()) {
            return graph;
        }
        Graph before;
        Graph after;
        synchronized (graphLock) {
            if (!graphStale || tooSoon()) {
                return graph;
            }
            graphStale = false;
            before = graph;
            after = build();
            graph = after;
            graphNanos = kernel.clock().nanoTime();
        }
        for (CheckEntry entry : entries.values()) {
            Key key = entry.plan.key();
            if (!before.cycle(key).equals(after.cycle(key))
                    || !before.missing(key).equals(after.missing(key))) {
                told(entry, List.of());
            }
        }
        return after;
    }

    private boolean tooSoon() {
        return entries.size() > GRAPH_AT_ONCE && kernel.clock().nanoTime() - graphNanos < GRAPH_PAUSE_NANOS;
    }

    private Graph build() {
        Map<String, List<CheckPlan>> byNamespace = new HashMap<>();
        Map<Key, Set<Key>> edges = new HashMap<>();
        for (CheckEntry entry : entries.values()) {
            CheckPlan plan = entry.plan;
            edges.put(plan.key(), new LinkedHashSet<>(plan.dependsOn()));
            byNamespace
                    .computeIfAbsent(plan.key().namespace(), n -> new ArrayList<>())
                    .add(plan);
        }
        for (CheckEntry entry : entries.values()) {
            CheckPlan plan = entry.plan;
            CompositeTarget composite = plan.spec().composite();
            Set<Key> targets = edges.get(plan.key());
            if (composite == null || targets == null) {
                continue;
            }
            Set<Key> members = new LinkedHashSet<>();
            composite.checks().forEach(name -> members.add(new Key(plan.key().namespace(), name)));
            if (composite.selector() != null) {
                for (CheckPlan other : byNamespace.getOrDefault(plan.key().namespace(), List.of())) {
                    if (!other.key().equals(plan.key()) && composite.selector().matches(other.labels())) {
                        members.add(other.key());
                    }
                }
            }
            entry.members = Set.copyOf(members);
            targets.addAll(members);
        }
        return Graph.of(edges);
    }
}
