package dev.coppice.distribution;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import org.jspecify.annotations.Nullable;

/** Handles what comes in on one connection, in a process of its own. */
final class NodeInbox implements Inbox {
    private static final ProcessOptions OPTIONS =
            ProcessOptions.DEFAULT.withMailbox(4 * Link.WINDOW, ProcessOptions.Overflow.BLOCK);
    private static final ChildSpec KIND =
            ChildSpec.process("link", NodeInbox::none, OPTIONS).withRestart(ChildSpec.Restart.TEMPORARY);

    private final @Nullable ProcessRef<Object> process;
    private final Mesh mesh;
    private final Link link;

    private record End(String why) {}

    private static Behavior<Object> none() {
        throw new IllegalStateException("each has a behavior of its own");
    }

    NodeInbox(Supervisor supervisor, Mesh mesh, Link link) {
        this.mesh = mesh;
        this.link = link;
        ProcessRef<Object> started = null;
        try {
            started = supervisor.spawn(KIND, () -> new Reader(mesh, link));
            var unused = started.monitor(down -> unread(down.reason()));
        } catch (StartException e) {
            // The node stops: there is nobody to tell.
            System.getLogger(NodeInbox.class.getName())
                    .log(System.Logger.Level.DEBUG, "a connection cannot be read: {0}", e.getMessage());
        }
        process = started;
    }

    /** However the process ended, a connection that nobody reads is over. */
    private void unread(ExitReason reason) {
        String why = "it is not read any more: " + Reasons.words(reason);
        link.disconnect(why);
        mesh.over(link, why);
    }

    @Override
    public void put(byte[] batch) {
        if (process != null) {
            process.cast(batch);
        }
    }

    @Override
    public void end(String why) {
        if (process != null && process.alive()) {
            process.cast(new End(why));
        } else {
            mesh.over(link, why);
        }
    }

    /** Ends with its connection. */
    private static final class Reader implements Behavior<Object> {
        private final Mesh mesh;
        private final Link link;

        Reader(Mesh mesh, Link link) {
            this.mesh = mesh;
            this.link = link;
        }

        @Override
        public void handle(ProcessContext<Object> self, Object message) {
            switch (message) {
                case byte[] batch -> link.handle(batch);
                case End end -> {
                    mesh.over(link, end.why);
                    self.stop();
                }
                default -> throw new IllegalArgumentException("unexpected " + message.getClass());
            }
        }
    }
}
