package dev.coppice.coordination;

import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.coordination.contention.ContentionTable;
import dev.coppice.coordination.control.QueueSource;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import dev.coppice.coordination.kind.CoordinationKinds;
import dev.coppice.coordination.page.CoordinationPage;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.serving.Page;
import dev.coppice.serving.Routes;
import dev.coppice.store.Keyspace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The coordination area: who holds locks and leads elections, and who waits for them, as resources, page and metrics.
 *
 * <p>It runs on every node: what it shows is read from the users' keyspace, which is everywhere. {@link DeadlockExtension},
 * which acts, runs on the leader. Under {@code DATA/areas/coordination} it keeps since when each contender stands; when that
 * is lost, it says that they stand for longer than it knows.
 */
public final class CoordinationExtension implements Extension {
    private static final Duration KEEP_TIMES = Duration.ofSeconds(10);

    private final Keyspace keys;
    private final List<Routes.Mount> mounts = new ArrayList<>();
    private final List<AutoCloseable> closeables = new ArrayList<>();
    private volatile @Nullable DeadlockWatch watch;

    /** @param keys the users' keyspace */
    public CoordinationExtension(Keyspace keys) {
        this.keys = keys;
    }

    /** What acts on deadlocks, to be started where this runs already. */
    public DeadlockExtension deadlocks() {
        DeadlockWatch started = watch;
        if (started == null) {
            throw new IllegalStateException("the coordination area has not been started");
        }
        return new DeadlockExtension(keys, started);
    }

    @Override
    public String name() {
        return "coordination";
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        CoordinationMetrics metrics = new CoordinationMetrics(context.kernel().metrics());
        ContentionTable table = new ContentionTable(
                context.kernel(), keys, context.dataDirectory().resolve("times.json"), metrics::waited);
        DeadlockWatch made = new DeadlockWatch(table);
        watch = made;
        metrics.show(made);
        closeables.add(metrics);
        closeables.add(table::keepTimes);
        var _ = context.supervisor().start(ChildSpec.task("contention", table));
        var _ = context.supervisor().start(ChildSpec.periodic("times", KEEP_TIMES, Duration.ZERO, table::keepTimes));
        context.serve(CoordinationKinds.LOCK, QueueSource.locks(made));
        context.serve(CoordinationKinds.ELECTION, QueueSource.elections(made));
        mounts.add(context.console()
                .add(new Page(
                        "coordination",
                        "Coordination",
                        "Areas",
                        20,
                        new CoordinationPage(context.console(), made, context.authorizer()))));
    }

    @Override
    public void stop() throws Exception {
        for (Routes.Mount mount : mounts.reversed()) {
            mount.close();
        }
        for (AutoCloseable closeable : closeables.reversed()) {
            closeable.close();
        }
    }
}
