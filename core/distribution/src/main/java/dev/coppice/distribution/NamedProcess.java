package dev.coppice.distribution;

import dev.coppice.kernel.CallException;
import dev.coppice.kernel.Down;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ForeignRef;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** An address by a name of the cluster, looked up at each use. While nobody has the name it is that of a dead process. */
record NamedProcess<M>(String shown, Supplier<Optional<ProcessRef<M>>> holder) implements ForeignRef<M> {

    @Override
    public ProcessRef<?> resolve() {
        Optional<ProcessRef<M>> found = holder.get();
        return found.isPresent() ? found.get() : this;
    }

    @Override
    public String name() {
        return shown;
    }

    @Override
    public boolean alive() {
        return holder.get().map(ProcessRef::alive).orElse(false);
    }

    @Override
    public void cast(M message) {
        holder.get().ifPresent(process -> process.cast(message));
    }

    @Override
    public <R> R call(Function<Consumer<R>, M> message, Duration timeout) {
        Optional<ProcessRef<M>> found = holder.get();
        if (found.isEmpty()) {
            throw new CallException("no process has the name " + shown, null);
        }
        return found.get().call(message, timeout);
    }

    @Override
    public Monitor monitor(Consumer<Down> action) {
        Optional<ProcessRef<M>> found = holder.get();
        if (found.isPresent()) {
            return found.get().monitor(action);
        }
        action.accept(new Down(this, new ExitReason.NoProcess()));
        return () -> {};
    }

    @Override
    public void exit(ExitReason reason) {
        holder.get().ifPresent(process -> process.exit(reason));
    }

    @Override
    public void suspend() {
        holder.get().ifPresent(ProcessRef::suspend);
    }

    @Override
    public void resume() {
        holder.get().ifPresent(ProcessRef::resume);
    }

    @Override
    public int mailbox() {
        return holder.get().map(ProcessRef::mailbox).orElse(0);
    }

    /** Nobody has the name: whoever has is linked with directly, by {@link #resolve}. */
    @Override
    public void link(ProcessRef<?> local) {
        if (resolve() instanceof RemoteRef<?> remote) {
            remote.link(local);
        } else {
            local.exit(new ExitReason.Crash(new IllegalStateException("no process has the name " + shown)));
        }
    }

    @Override
    public void unlink(ProcessRef<?> local) {
        if (resolve() instanceof RemoteRef<?> remote) {
            remote.unlink(local);
        }
    }

    @Override
    public String toString() {
        return "process named " + shown;
    }
}
