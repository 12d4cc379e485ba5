package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The applications of a kernel: started in the order of their dependencies, stopped in reverse (OTP: application). Each is a
 * supervisor {@code /applications/NAME} with its tree between two markers, which call it when it stops; so an application
 * is told in order, however the kernel ends. Get it from {@link Kernel#applications}. Safe for use by many threads; starts
 * and stops follow each other.
 */
public final class Applications {
    private static final System.Logger LOG = System.getLogger(Applications.class.getName());
    private static final String PATH = "applications";

    /** What follows when an application ends by itself. An explicit stop never takes others. */
    public enum Type {
        /** The kernel ends. */
        PERMANENT,
        /** The kernel ends, unless the application ended normally. */
        TRANSIENT,
        /** It is reported. */
        TEMPORARY
    }

    private static final class Running {
        private final Application application;
        private final Type type;
        private final ChildSpec tree;
        private volatile boolean up;

        Running(Application application, Type type, ChildSpec tree) {
            this.application = application;
            this.type = type;
            this.tree = tree;
        }
    }

    private final Kernel kernel;
    /** Held while applications start and stop. */
    private final ReentrantLock turn = new ReentrantLock();
    /** In the order of their starts. */
    private final List<Running> running = new CopyOnWriteArrayList<>();

    private @Nullable Supervisor supervisor;

    Applications(Kernel kernel) {
        this.kernel = kernel;
    }

    /** The applications that run, in the order in which they were started. */
    public List<String> running() {
        return running.stream().map(r -> r.application.name()).toList();
    }

    /**
     * Starts applications and waits until they run: each after those it depends on, which are among them or run already;
     * then their start phases, one after the other, each for all of them. Those that run already are left alone. When one
     * fails, those started here are stopped again.
     *
     * @throws StartException when a dependency is missing, dependencies or the orders of phases contradict each other, or
     *     an application fails to start
     */
    public void start(Type type, Collection<? extends Application> applications) throws StartException {
        turn.lock();
        try {
            List<Application> order = ApplicationOrder.of(applications, Set.copyOf(running()));
            List<String> phases = ApplicationOrder.phases(order);
            List<Running> started = new ArrayList<>();
            try {
                for (Application application : order) {
                    started.add(begin(application, type));
                }
                for (String phase : phases) {
                    doPhase(order, phase);
                }
                for (Application application : order) {
                    node(application).start(marker("ready", () -> application.prepareStop(kernel)));
                }
            } catch (StartException e) {
                started.reversed().forEach(this::end);
                throw e;
            }
        } finally {
            turn.unlock();
        }
    }

    /** Starts one application. */
    public void start(Type type, Application application) throws StartException {
        start(type, List.of(application));
    }

    /**
     * Stops an application, and before it those that depend on it; false when it does not run. Must not be called by the
     * application's own processes.
     */
    public boolean stop(String name) {
        turn.lock();
        try {
            Optional<Running> found = find(name);
            if (found.isEmpty()) {
                return false;
            }
            for (Running other : List.copyOf(running).reversed()) {
                if (other.application.dependencies().contains(name)) {
                    stop(other.application.name());
                }
            }
            end(found.get());
            return true;
        } finally {
            turn.unlock();
        }
    }

    private Optional<Running> find(String name) {
        return running.stream().filter(r -> r.application.name().equals(name)).findFirst();
    }

    private Running begin(Application application, Type type) throws StartException {
        try {
            ChildSpec tree = application.tree(kernel).withRestart(ChildSpec.Restart.TEMPORARY);
            Running made = new Running(application, type, tree);
            running.add(made);
            try {
                Supervisor node = parent().startSupervisor(application.name(), SupervisorOptions.DEFAULT);
                node.start(marker("started", () -> {
                    if (made.up) {
                        application.stop(kernel);
                    }
                }));
                made.up = true;
                try {
                    node.start(tree);
                } catch (StartException e) {
                    made.up = false;
                    throw e;
                }
            } catch (StartException e) {
                end(made);
                throw e;
            }
            return made;
        } catch (Exception e) {
            throw failure(application, "did not start", e);
        }
    }

    private void doPhase(List<Application> order, String phase) throws StartException {
        for (Application application : order) {
            if (application.startPhases().contains(phase)) {
                try {
                    application.startPhase(phase, kernel);
                } catch (Exception e) {
                    throw failure(application, "failed in its start phase " + phase, e);
                }
            }
        }
    }

    private static StartException failure(Application application, String what, Exception cause) {
        if (cause instanceof InterruptedException) {
            Thread.currentThread().interrupt();
        }
        return new StartException("application " + application.name() + " " + what + ": " + cause, cause);
    }

    private Supervisor parent() throws StartException {
        Supervisor made = supervisor;
        if (made == null) {
            made = kernel.root().startSupervisor(PATH, SupervisorOptions.DEFAULT);
            supervisor = made;
        }
        return made;
    }

    private Supervisor node(Application application) throws StartException {
        return parent().child(application.name())
                .map(Supervisor.Child::supervisor)
                .orElseThrow(() ->
                        new StartException("application " + application.name() + " ended while it started", null));
    }

    /** A child that only acts when it is stopped. */
    private static ChildSpec marker(String name, Task atStop) {
        return ChildSpec.service(name, () -> new Service() {
            @Override
            public void start(Failure failure) {}

            @Override
            public void stop() throws Exception {
                atStop.run();
            }
        });
    }

    private void end(Running over) {
        running.remove(over);
        Supervisor all = supervisor;
        if (all != null) {
            all.stop(over.application.name());
        }
    }

    /** A child that is not restarted ended by itself. Called by its supervisor, which must not wait. */
    void ended(ChildNode child, ExitReason reason) {
        for (Running each : running) {
            if (each.tree == child.spec()) {
                Thread.ofVirtual().name("application ended").start(() -> treeEnded(each, reason));
            }
        }
    }

    private void treeEnded(Running over, ExitReason reason) {
        turn.lock();
        try {
            if (!running.contains(over)) {
                return;
            }
            end(over);
        } finally {
            turn.unlock();
        }
        String name = over.application.name();
        Type type = over.type;
        boolean normal = reason instanceof ExitReason.Normal || reason instanceof ExitReason.Shutdown;
        kernel.telemetry()
                .emit(
                        "kernel.application.ended",
                        () -> new Telemetry.Event(
                                "kernel.application.ended",
                                Map.of(),
                                Map.of("application", name, "type", type, "reason", reason)));
        if (type == Type.PERMANENT || (type == Type.TRANSIENT && !normal)) {
            String message = "the " + type.name().toLowerCase(Locale.ROOT) + " application " + name + " ended";
            Throwable cause = reason instanceof ExitReason.Crash crash ? crash.cause() : null;
            LOG.log(Level.ERROR, message + "; the kernel ends");
            kernel.fail(new ExitReason.Crash(new IllegalStateException(message, cause)));
        } else {
            LOG.log(Level.INFO, "application {0} ended: {1}", name, reason);
        }
    }
}
