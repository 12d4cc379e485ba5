package dev.coppice.kernel;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The address of a process, which leads to whichever life it is in. */
final class ProcessAddress<M> implements ProcessRef<M> {
    private final ChildNode child;

    ProcessAddress(ChildNode child) {
        this.child = child;
    }

    /** The life that the process is in. */
    static ProcessRun<?> living(ProcessRef<?> process) {
        if (process instanceof ProcessAddress<?> address && address.run() instanceof ProcessRun<?> run) {
            return run;
        }
        throw new IllegalStateException("process " + process.name() + " is not alive");
    }

    @SuppressWarnings("unchecked")
    @Nullable
    ProcessRun<M> run() {
        ProcessRun<M> current = (ProcessRun<M>) child.run();
        return current != null && current.alive() ? current : null;
    }

    @Override
    public String name() {
        return child.path();
    }

    @Override
    public boolean alive() {
        return run() != null;
    }

    @Override
    public void cast(M message) {
        ProcessRun<M> current = run();
        if (current == null) {
            child.kernel().meters().deadLetters.inc();
        } else {
            current.send(message);
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
    public int mailbox() {
        ProcessRun<M> current = run();
        return current == null ? 0 : current.mailbox();
    }

    @Override
    public String toString() {
        return "process " + name();
    }
}
