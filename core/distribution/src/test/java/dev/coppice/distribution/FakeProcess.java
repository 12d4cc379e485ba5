package dev.coppice.distribution;

import dev.coppice.kernel.CallException;
import dev.coppice.kernel.Down;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** A process of a simulated node: keeps its mail, and dies when it is told to. */
final class FakeProcess implements ProcessRef<Object> {
    final NodeId node;
    final String name;
    final List<Object> mail = new ArrayList<>();
    final List<Consumer<Down>> monitors = new ArrayList<>();
    boolean dead;

    FakeProcess(NodeId node, String name) {
        this.node = node;
        this.name = name;
    }

    void die() {
        if (!dead) {
            dead = true;
            List.copyOf(monitors).forEach(each -> each.accept(new Down(this, new ExitReason.Normal())));
            monitors.clear();
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean alive() {
        return !dead;
    }

    @Override
    public void cast(Object message) {
        if (!dead) {
            mail.add(message);
        }
    }

    @Override
    public <R> R call(Function<Consumer<R>, Object> message, Duration timeout) {
        throw new CallException("a fake is not called", null);
    }

    @Override
    public Monitor monitor(Consumer<Down> action) {
        if (dead) {
            action.accept(new Down(this, new ExitReason.NoProcess()));
            return () -> {};
        }
        monitors.add(action);
        return () -> monitors.remove(action);
    }

    @Override
    public void exit(ExitReason reason) {
        die();
    }

    @Override
    public void suspend() {}

    @Override
    public void resume() {}

    @Override
    public int mailbox() {
        return mail.size();
    }

    @Override
    public String toString() {
        return name + "@" + node;
    }
}
