package dev.coppice.kernel;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The place of a process in the tree, which is also its address: it leads to whichever life the process is in. */
sealed class ProcessAddress<M> extends ChildNode implements ProcessRef<M> permits NumberedAddress {

    ProcessAddress(SupervisorNode parent, ChildSpec spec, ChildSpec.ProcessBody body, boolean fixed) {
        super(parent, spec, fixed);
        assert spec.body() == body;
    }

    ChildSpec.ProcessBody body() {
        return (ChildSpec.ProcessBody) spec().body();
    }

    /** What a new life of the process runs. */
    @SuppressWarnings("unchecked")
    Behavior<M> newBehavior() {
        return (Behavior<M>) body().behavior().get();
    }

    @Override
    Run newLife() {
        return new ProcessRun<>(this);
    }

    /** The life that the process is in. */
    static ProcessRun<?> living(ProcessRef<?> process) {
        if (NamedRef.resolve(process) instanceof ProcessAddress<?> address
                && address.run() instanceof ProcessRun<?> run) {
            return run;
        }
        throw new IllegalStateException("process " + process.name() + " is not alive");
    }

    @SuppressWarnings("unchecked")
    @Nullable
    ProcessRun<M> run() {
        ProcessRun<M> current = (ProcessRun<M>) life();
        return current != null && current.alive() ? current : null;
    }

    @Override
    public String name() {
        return path();
    }

    @Override
    public boolean alive() {
        return run() != null;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> ProcessRef<T> ref() {
        return (ProcessRef<T>) this;
    }

    @Override
    public void cast(M message) {
        ProcessRun<M> current = run();
        if (current == null) {
            kernel().meters().deadLetters.inc();
        } else {
            current.send(message);
        }
    }

    /**
     * Sends beyond the limit of the mailbox, without waiting for anybody: for what the kernel promised to tell. To a process
     * that is not in this kernel it is an ordinary cast.
     */
    @SuppressWarnings("unchecked") // a name stands for a process that takes the same messages
    static <T> void castAlways(ProcessRef<T> process, T message) {
        if (NamedRef.resolve(process) instanceof ProcessAddress<?> address) {
            ((ProcessAddress<T>) address).castAlways(message);
        } else {
            process.cast(message);
        }
    }

    private void castAlways(M message) {
        ProcessRun<M> current = run();
        if (current == null) {
            kernel().meters().deadLetters.inc();
        } else {
            current.sendAlways(message);
        }
    }

    @Override
    public <R> R call(Function<Consumer<R>, M> message, Duration timeout) {
        ProcessRun<M> current = run();
        if (current == null) {
            throw new CallException("process " + name() + " is not alive", null);
        }
        return current.call(message, timeout);
    }

    @Override
    public Monitor monitor(Consumer<Down> action) {
        ProcessRun<M> current = run();
        Watch watch = new Watch(this, action);
        if (current == null) {
            watch.fire(new ExitReason.NoProcess());
        } else {
            current.relations().addWatch(watch);
        }
        return watch;
    }

    @Override
    public void exit(ExitReason reason) {
        ProcessRun<M> current = run();
        if (current != null) {
            current.exitSignal(null, reason);
        }
    }

    @Override
    public void suspend() {
        ProcessRun<M> current = run();
        if (current != null) {
            current.suspend(true);
        }
    }

    @Override
    public void resume() {
        ProcessRun<M> current = run();
        if (current != null) {
            current.suspend(false);
        }
    }

    @Override
    public CompletableFuture<Optional<Object>> describe() {
        ProcessRun<M> current = run();
        return current == null ? super.describe() : current.describe();
    }

    @Override
    public void trace(@Nullable Tracer tracer) {
        ProcessRun<M> current = run();
        if (current != null) {
            current.relations().tracer = tracer;
            current.attend();
        }
    }

    @Override
    public String toString() {
        return "process " + name();
    }
}
