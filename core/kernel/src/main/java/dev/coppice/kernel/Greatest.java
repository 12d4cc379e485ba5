package dev.coppice.kernel;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** Keeps the few greatest of many, in as little room. For one thread. */
final class Greatest<T> {
    private record Scored<T>(double score, T item) {}

    private final int count;
    private final PriorityQueue<Scored<T>> best = new PriorityQueue<>(Comparator.comparingDouble(Scored::score));

    Greatest(int count) {
        this.count = count;
    }

    /** Offers an item; those with no score above 0 are not kept. Of equal ones the first are. */
    void offer(double score, T item) {
        if (score <= 0 || count <= 0) {
            return;
        }
        if (best.size() >= count) {
            if (score <= best.element().score) {
                return;
            }
            Scored<T> unused = best.remove();
            assert unused.score <= score;
        }
        best.add(new Scored<>(score, item));
    }

    /** What was kept, greatest first. */
    List<T> ordered() {
        List<Scored<T>> all = new ArrayList<>(best);
        all.sort(Comparator.comparingDouble((Scored<T> each) -> each.score).reversed());
        return all.stream().map(Scored::item).toList();
    }
}
