package dev.coppice.coordination.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ComputedSource;
import dev.coppice.coordination.contention.Contention;
import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Locks, or elections, as computed objects. A list shows the first 5,000 names; the others can be read by name. Safe for use
 * by many threads.
 */
public final class QueueSource implements ComputedSource {
    private static final int MOST = 5_000;

    private final DeadlockWatch watch;
    private final Function<Contention, List<Queue>> part;
    private final View view;

    private interface View {
        ObjectNode of(Queue queue, boolean deadlocked, int most);
    }

    private QueueSource(DeadlockWatch watch, Function<Contention, List<Queue>> part, View view) {
        this.watch = watch;
        this.part = part;
        this.view = view;
    }

    public static QueueSource locks(DeadlockWatch watch) {
        return new QueueSource(watch, Contention::locks, Views::lock);
    }

    public static QueueSource elections(DeadlockWatch watch) {
        return new QueueSource(watch, Contention::elections, Views::election);
    }

    @Override
    public Optional<ObjectNode> get(String namespace, String name) {
        DeadlockWatch.View now = watch.now();
        return part.apply(now.contention()).stream()
                .filter(queue -> Views.resourceName(queue.name()).equals(name))
                .findFirst()
                .map(queue -> view.of(queue, now.deadlocked(queue.name()), Views.MOST_IN_ONE));
    }

    @Override
    public Listing list(String namespace) {
        DeadlockWatch.View now = watch.now();
        List<Queue> queues = part.apply(now.contention());
        List<Entry> entries = queues.stream()
                .limit(MOST)
                .map(queue -> new Entry(
                        "",
                        Views.resourceName(queue.name()),
                        () -> view.of(queue, now.deadlocked(queue.name()), Views.MOST_IN_LISTS)))
                .toList();
        List<String> warnings = new ArrayList<>();
        if (!now.contention().ready()) {
            warnings.add("the store is still being read: something may be missing; ask again");
        }
        if (queues.size() > MOST) {
            warnings.add((queues.size() - MOST) + " more are left out; each can be read by its name");
        }
        if (now.contention().leftOut() > 0) {
            warnings.add(now.contention().leftOut() + " contenders are not looked at because there are too many");
        }
        return new Listing(entries, warnings);
    }

    @Override
    public Set<String> selectableFields() {
        return Set.of("spec.name", "spec.sort", "status.holder", "status.leader", "status.deadlocked");
    }
}
