package dev.coppice.kernel;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * An address by name, looked up at each use. While nobody has the name it behaves as that of a dead process.
 *
 * @param shown the name, for messages
 */
record NamedRef<M>(String shown, Supplier<Optional<ProcessRef<M>>> holder) implements ProcessRef<M> {

    /** The address behind a name, or the address itself. */
    static ProcessRef<?> resolve(ProcessRef<?> process) {
        ProcessRef<?> found = process instanceof NamedRef<?> named ? named.target() : process;
        return found instanceof ForeignRef<?> foreign ? foreign.resolve() : found;
    }

    private ProcessRef<?> target() {
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
        Watch watch = new Watch(this, action);
        watch.fire(new ExitReason.NoProcess());
        return watch;
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

    @Override
    public String toString() {
        return "process named " + shown;
    }
}
