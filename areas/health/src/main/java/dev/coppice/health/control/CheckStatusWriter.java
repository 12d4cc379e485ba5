package dev.coppice.health.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckPlan;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Durations;
import dev.coppice.health.check.Transition;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HealthCheckStatus;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Writes the statuses of checks: when something that matters changed, and every five minutes, spread over them by name.
 * Tells transitions as Events. A few writers work at once, never two on one check; what fails is done again a little later.
 */
final class CheckStatusWriter implements CheckEngine.Listener {
    private static final System.Logger LOG = System.getLogger(CheckStatusWriter.class.getName());
    private static final int BEAT_SECONDS = 300;
    private static final int WRITERS = 4;
    private static final int MAX_TRANSITIONS = 10;
    private static final Duration RETRY = Duration.ofSeconds(2);

    private final Kernel kernel;
    private final ResourceClient resources;
    private final Informer<HealthCheckSpec, HealthCheckStatus> informer;
    private final CheckEngine engine;
    private final SeriesStore series;
    private final InvalidChecks invalid;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition filled = lock.newCondition();
    private final Map<Key, List<Transition>> pending = new LinkedHashMap<>();
    private final Set<Key> inWork = new HashSet<>();
    private final Map<Key, Written> written = new ConcurrentHashMap<>();
    private long beat;

    /** What of a check matters so much that a change of it is written at once. */
    private record Written(
            long generation,
            String state,
            Instant since,
            boolean flapping,
            boolean probed,
            List<Key> cycle,
            Set<Key> missing) {
        static Written of(CheckView view) {
            return new Written(
                    view.plan().generation(),
                    view.machine().state().word(),
                    view.machine().since(),
                    view.machine().flapping(),
                    view.probed(),
                    view.cycle(),
                    view.missing());
        }
    }

    CheckStatusWriter(
            Kernel kernel,
            ResourceClient resources,
            Informer<HealthCheckSpec, HealthCheckStatus> informer,
            CheckEngine engine,
            SeriesStore series,
            InvalidChecks invalid) {
        this.kernel = kernel;
        this.resources = resources;
        this.informer = informer;
        this.engine = engine;
        this.series = series;
        this.invalid = invalid;
    }

    void start(Supervisor supervisor) throws StartException {
        for (int i = 0; i < WRITERS; i++) {
            supervisor.start(ChildSpec.task("status-" + i, this::work));
        }
        supervisor.start(ChildSpec.periodic("status-beat", Duration.ofSeconds(1), Duration.ZERO, this::beat));
    }

    @Override
    public void changed(CheckView view, List<Transition> transitions) {
        if (!transitions.isEmpty() || !Written.of(view).equals(written.get(view.key()))) {
            add(view.key(), transitions);
        }
    }

    @Override
    public void removed(CheckPlan plan) {
        written.remove(plan.key());
    }

    /** The status of the check may have to be written; after a restart, most say already what is so. */
    void concerns(Resource<HealthCheckSpec, HealthCheckStatus> resource) {
        Key key = resource.key();
        Optional<CheckView> view = engine.view(key);
        HealthCheckStatus status = resource.status();
        if (view.isPresent() && status != null && !written.containsKey(key) && says(status, view.get())) {
            written.put(key, Written.of(view.get()));
            return;
        }
        if (view.isEmpty() || !Written.of(view.get()).equals(written.get(key))) {
            add(key, List.of());
        }
    }

    private static boolean says(HealthCheckStatus status, CheckView view) {
        Long generation = status.observedGeneration();
        return generation != null
                && generation == view.plan().generation()
                && view.probed()
                && view.machine().state().word().equals(status.state())
                && view.machine().since().truncatedTo(ChronoUnit.SECONDS).equals(status.since())
                && view.cycle().isEmpty()
                && view.missing().isEmpty()
                && view.machine().flapping() == Boolean.TRUE.equals(status.flapping());
    }

    private void add(Key key, List<Transition> transitions) {
        lock.lock();
        try {
            List<Transition> all = pending.computeIfAbsent(key, k -> new ArrayList<>());
            for (Transition transition : transitions) {
                if (all.size() < MAX_TRANSITIONS) {
                    all.add(transition);
                }
            }
            filled.signal();
        } finally {
            lock.unlock();
        }
    }

    private void beat() {
        beat++;
        for (var resource : informer.list()) {
            if (Math.floorMod(resource.key().hashCode() * 31 >>> 3, BEAT_SECONDS) == beat % BEAT_SECONDS) {
                add(resource.key(), List.of());
            }
        }
    }

    private void work() throws InterruptedException {
        while (true) {
            Key key;
            List<Transition> transitions;
            lock.lockInterruptibly();
            try {
                Map.Entry<Key, List<Transition>> next = next();
                while (next == null) {
                    filled.await();
                    next = next();
                }
                key = next.getKey();
                transitions = List.copyOf(next.getValue());
                pending.remove(key);
                inWork.add(key);
            } finally {
                lock.unlock();
            }
            try {
                write(key, transitions);
            } catch (ApiException e) {
                LOG.log(Level.DEBUG, "the status of {0} was not written: {1}", key, e.getMessage());
                written.remove(key);
                kernel.timers().schedule(RETRY, () -> add(key, List.of()));
            } finally {
                done(key);
            }
        }
    }

    private Map.@Nullable Entry<Key, List<Transition>> next() {
        for (var entry : pending.entrySet()) {
            if (!inWork.contains(entry.getKey())) {
                return Map.entry(entry.getKey(), entry.getValue());
            }
        }
        return null;
    }

    private void done(Key key) {
        lock.lock();
        try {
            inWork.remove(key);
            if (pending.containsKey(key)) {
                filled.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    private void write(Key key, List<Transition> transitions) {
        Optional<Resource<HealthCheckSpec, HealthCheckStatus>> found = informer.get(key);
        if (found.isEmpty()) {
            return;
        }
        Resource<HealthCheckSpec, HealthCheckStatus> resource = found.get();
        Optional<CheckView> view = engine.view(key);
        HealthCheckStatus status;
        if (view.isPresent()) {
            written.put(key, Written.of(view.get()));
            status = CheckStatuses.of(
                    resource, view.get(), series, kernel.clock().now());
        } else if (!invalid.of(key).isEmpty()) {
            status = CheckStatuses.invalid(
                    resource, invalid.of(key), kernel.clock().now());
        } else {
            return;
        }
        try {
            StatusPatch.write(resources, resource, status);
        } catch (ApiException e) {
            add(key, transitions);
            throw e;
        }
        for (Transition transition : transitions) {
            event(resource.tree(), transition);
        }
    }

    private void event(ObjectNode tree, Transition transition) {
        switch (transition) {
            case Transition.StateChanged changed -> {
                String word = changed.to().word();
                String reason = changed.to().reason();
                String note = "went from " + changed.from().word() + " to " + word + " after "
                        + Durations.text(Duration.ofSeconds(changed.after().toSeconds()))
                        + (reason.isEmpty() ? "" : ": " + reason);
                boolean bad = word.equals("Down") || word.equals("Degraded");
                resources.event(tree, bad ? "Warning" : "Normal", word, note);
            }
            case Transition.FlappingStarted flapping ->
                resources.event(tree, "Warning", "Flapping", "changed " + flapping.changes() + " times in its window");
            case Transition.FlappingStopped ignored -> resources.event(tree, "Normal", "Settled", "no longer flaps");
        }
    }
}
