package dev.coppice.distribution;

import dev.coppice.kernel.Down;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ForeignRef;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Function;

/** The address of a process on another node. Two of the same process are equal. */
final class RemoteRef<M> implements ForeignRef<M> {
    private final RemoteProcesses processes;
    private final NodeId node;
    private final long number;
    private final String name;

    RemoteRef(RemoteProcesses processes, NodeId node, long number, String name) {
        this.processes = processes;
        this.node = node;
        this.number = number;
        this.name = name;
    }

    NodeId node() {
        return node;
    }

    long number() {
        return number;
    }

    /** Its path on its node. */
    String path() {
        return name;
    }

    @Override
    public String name() {
        return node.name() + name;
    }

    /** Whether its node is connected; more is not known. */
    @Override
    public boolean alive() {
        return processes.connected(node);
    }

    @Override
    public void cast(M message) {
        processes.cast(this, message);
    }

    @Override
    public <R> R call(Function<Consumer<R>, M> message, Duration timeout) {
        return processes.call(this, message, timeout);
    }

    @Override
    public Monitor monitor(Consumer<Down> action) {
        return processes.monitor(this, action);
    }

    @Override
    public void exit(ExitReason reason) {
        processes.exit(this, reason);
    }

    @Override
    public void suspend() {
        processes.signal(this, Frames.SUSPEND);
    }

    @Override
    public void resume() {
        processes.signal(this, Frames.RESUME);
    }

    /** 0: it is not known here. */
    @Override
    public int mailbox() {
        return 0;
    }

    @Override
    public void link(ProcessRef<?> local) {
        processes.links().link(local, this);
    }

    @Override
    public void unlink(ProcessRef<?> local) {
        processes.links().unlink(local, this);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RemoteRef<?> ref && ref.number == number && ref.node.equals(node);
    }

    @Override
    public int hashCode() {
        return node.hashCode() * 31 + Long.hashCode(number);
    }

    @Override
    public String toString() {
        return "process " + name();
    }
}
