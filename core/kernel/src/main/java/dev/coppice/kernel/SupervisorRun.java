package dev.coppice.kernel;

/** One life of a supervisor, from the start of its children to their end. */
final class SupervisorRun extends Run {
    private final SupervisorNode node;

    SupervisorRun(ChildNode child, SupervisorNode node) {
        super(child);
        this.node = node;
    }

    @Override
    void start() throws Exception {
        try {
            node.up(this);
        } catch (StartException e) {
            end(new ExitReason.Crash(e));
            throw e;
        }
    }

    @Override
    void requestStop() {
        Thread.ofVirtual().name(child.path() + " stop").start(() -> {
            node.down(this, false);
            end(new ExitReason.Shutdown());
        });
    }

    @Override
    void kill() {
        node.down(this, true);
        end(new ExitReason.Killed());
    }
}
