package dev.coppice.gateway.share;

import dev.coppice.distribution.ClusterGroups;
import dev.coppice.distribution.Distribution;
import dev.coppice.gateway.share.ShareMessage.Demands;
import dev.coppice.gateway.share.ShareMessage.Grants;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Connects the {@link LimitSharing} of a node with those of the nodes that serve with it: a process on each node in one group, whose mail is
 * demands and grants, and one thread that asks. Each message goes once or is lost; what a lost one gave is lost, too. Safe for use by many threads.
 */
public final class LimitPeers implements AutoCloseable {
    private static final String GROUP = "gateway-limits";
    /** Questions that come within this time go together. */
    private static final long TOGETHER_MILLIS = 1;

    /** Mail of the processes. */
    sealed interface Mail {}

    /** Joins the others, once the process runs. */
    record Begin() implements Mail {}

    /** @param from where grants are sent */
    record Asked(ProcessRef<Mail> from, Demands demands) implements Mail {}

    record Answered(Grants grants) implements Mail {}

    private final Distribution distribution;
    private final LimitSharing sharing;
    private final Semaphore work = new Semaphore(0);
    private final AtomicBoolean woken = new AtomicBoolean();
    private final Monitor monitor;
    private volatile @Nullable ProcessRef<Mail> self;
    private volatile Map<String, ProcessRef<Mail>> members = Map.of();
    /** Guarded by this. */
    private boolean closed;

    private LimitPeers(Distribution distribution, LimitSharing sharing) {
        this.distribution = distribution;
        this.sharing = sharing;
        this.monitor = distribution.groups().monitor(this::changed);
        sharing.wakes(this::wake);
    }

    /** Shares with all nodes that do, for as long as the supervisor runs. */
    public static LimitPeers start(Distribution distribution, Supervisor supervisor, LimitSharing sharing)
            throws StartException {
        distribution.types().register(Mail.class);
        LimitPeers made = new LimitPeers(distribution, sharing);
        var _ = supervisor.start(ChildSpec.<Mail>process("limits", () -> made.new Inbox()));
        var _ = supervisor.start(ChildSpec.task("limit-questions", made::ask));
        return made;
    }

    /** Takes what others ask for, and what they give. */
    private final class Inbox implements Behavior<Mail> {
        @Override
        public void init(ProcessContext<Mail> process) {
            self = process.self();
            process.self().cast(new Begin());
        }

        @Override
        public void handle(ProcessContext<Mail> process, Mail message) {
            switch (message) {
                case Begin _ -> distribution.groups().join(GROUP, process.self());
                case Asked asked -> {
                    boolean _ = distribution.offer(asked.from, new Answered(sharing.give(asked.demands)));
                }
                case Answered answered -> sharing.granted(answered.grants);
            }
        }
    }

    private void changed(ClusterGroups.Change change) {
        if (change.group().equals(GROUP)) {
            look();
        }
    }

    private synchronized void look() {
        if (closed) {
            return;
        }
        Map<String, ProcessRef<Mail>> found = new LinkedHashMap<>();
        List<ProcessRef<Mail>> all = distribution.groups().members(GROUP);
        all.forEach(each -> found.put(distribution.home(each).name(), each));
        members = Map.copyOf(found);
        sharing.members(distribution.self().name(), found.keySet());
    }

    private void wake() {
        if (woken.compareAndSet(false, true)) {
            work.release();
        }
    }

    /** Runs for ever. */
    private void ask() throws InterruptedException {
        while (true) {
            boolean more = sharing.round(this::send);
            if (more) {
                // Not for a permit: what is woken meanwhile is asked for together.
                boolean _ = work.tryAcquire(2, TOGETHER_MILLIS, TimeUnit.MILLISECONDS);
            } else {
                work.acquire();
            }
            woken.set(false);
        }
    }

    private void send(String node, Demands demands) {
        ProcessRef<Mail> to = members.get(node);
        ProcessRef<Mail> from = self;
        if (to != null && from != null) {
            // Without waiting for room: others are to be asked, too, and whoever waits is told in time.
            boolean _ = distribution.offer(to, new Asked(from, demands));
        }
    }

    /** This node owns all keys again. */
    @Override
    public synchronized void close() {
        closed = true;
        monitor.cancel();
        sharing.leave(distribution.self().name());
    }
}
