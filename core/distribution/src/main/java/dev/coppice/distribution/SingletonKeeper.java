package dev.coppice.distribution;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This node's candidate for a process of which there is one in the cluster: takes the name when nobody has it, runs the
 * process while it has the name, and watches whoever has it otherwise.
 */
final class SingletonKeeper implements Behavior<SingletonKeeper.Mail> {
    private static final System.Logger LOG = System.getLogger(SingletonKeeper.class.getName());
    private static final Duration PAUSE = Duration.ofMillis(200);

    /** How it looks at the name. */
    sealed interface Mail {}

    record Look() implements Mail {}

    record Claimed(boolean won) implements Mail {}

    record Lost() implements Mail {}

    record Ended(ProcessRef<?> process) implements Mail {}

    private enum State {
        WAITING,
        CLAIMING,
        RUNNING
    }

    private final String name;
    private final ClusterNames names;
    private final Supplier<Integer> nodes;
    private final SingletonOptions options;
    private final Supplier<Supervisor> supervisor;
    private final Supplier<? extends Behavior<?>> behavior;
    private State state = State.WAITING;
    private @Nullable ProcessRef<?> process;
    private @Nullable Monitor watch;
    private @Nullable CompletableFuture<Boolean> claim;

    SingletonKeeper(
            String name,
            ClusterNames names,
            Supplier<Integer> nodes,
            SingletonOptions options,
            Supplier<Supervisor> supervisor,
            Supplier<? extends Behavior<?>> behavior) {
        this.name = name;
        this.names = names;
        this.nodes = nodes;
        this.options = options;
        this.supervisor = supervisor;
        this.behavior = behavior;
    }

    @Override
    public void init(ProcessContext<Mail> self) {
        self.self().cast(new Look());
    }

    @Override
    public void handle(ProcessContext<Mail> self, Mail message) throws StartException {
        switch (message) {
            case Look _ -> look(self);
            case Claimed claimed -> claimed(self, claimed.won);
            case Lost _ -> {
                LOG.log(System.Logger.Level.WARNING, "singleton {0} is stopped here: another node has it", name);
                stop();
                later(self);
            }
            case Ended ended -> {
                if (state == State.RUNNING && ended.process.equals(process)) {
                    process = null;
                    later(self);
                } else if (state == State.WAITING) {
                    look(self);
                }
            }
        }
    }

    private void later(ProcessContext<Mail> self) {
        var unused = self.sendAfter(PAUSE, new Look());
    }

    private void look(ProcessContext<Mail> self) throws StartException {
        if (nodes.get() < options.minNodes()) {
            if (state == State.RUNNING) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "singleton {0} is stopped: {1} nodes are connected, expected {2}",
                        name,
                        nodes.get(),
                        options.minNodes());
                stop();
                names.unregister(name);
            }
            later(self);
            return;
        }
        switch (state) {
            case WAITING -> {
                Optional<ProcessRef<Object>> holder = names.find(name);
                if (holder.isPresent()) {
                    follow(self, holder.get());
                } else {
                    claim(self);
                }
            }
            case CLAIMING -> {}
            case RUNNING -> {
                if (process == null) {
                    run(self);
                }
            }
        }
    }

    private void follow(ProcessContext<Mail> self, ProcessRef<?> holder) {
        forget();
        watch = self.monitor(holder, _ -> new Ended(holder));
    }

    private void forget() {
        Monitor old = watch;
        if (old != null) {
            old.cancel();
        }
        watch = null;
    }

    private void claim(ProcessContext<Mail> self) {
        state = State.CLAIMING;
        ProcessRef<Mail> own = self.self();
        CompletableFuture<Boolean> started = names.claim(name, own, _ -> own.cast(new Lost()));
        claim = started;
        started.whenComplete((won, error) -> own.cast(new Claimed(error == null && won)));
    }

    private void claimed(ProcessContext<Mail> self, boolean won) throws StartException {
        claim = null;
        if (state != State.CLAIMING) {
            return;
        }
        if (won) {
            state = State.RUNNING;
            look(self);
        } else {
            state = State.WAITING;
            later(self);
        }
    }

    private void run(ProcessContext<Mail> self) throws StartException {
        forget();
        // One that a killed keeper left behind.
        var unused = supervisor.get().stop(name);
        ProcessRef<Object> started = supervisor
                .get()
                .startProcess(ChildSpec.process(name, this::made).withRestart(ChildSpec.Restart.TEMPORARY));
        process = started;
        watch = self.monitor(started, _ -> new Ended(started));
        names.retarget(name, started);
    }

    private Behavior<?> made() {
        return behavior.get();
    }

    private void stop() {
        state = State.WAITING;
        forget();
        if (process != null) {
            var unused = supervisor.get().stop(name);
            process = null;
        }
    }

    /** The process ends before the name is free. */
    @Override
    public void terminate(ProcessContext<Mail> self, ExitReason reason) {
        CompletableFuture<Boolean> open = claim;
        if (open != null) {
            open.cancel(false);
        }
        forget();
        if (process != null) {
            // Its supervisor, which may be waiting for this process, is not asked; a stopping one has stopped it
            // before.
            process.exit(new ExitReason.Shutdown());
        }
        names.unregister(name);
    }

    @Override
    public Object describe() {
        return name + ": " + state;
    }
}
