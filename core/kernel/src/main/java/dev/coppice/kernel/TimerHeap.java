package dev.coppice.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Timers in the order of their times: a heap with four children a node, to miss the cache less, that knows the place of
 * each, so that taking one out costs O(log n). Not safe for use by many threads.
 */
final class TimerHeap {
    private @Nullable TimerEntry[] heap = new TimerEntry[16];
    private int size;

    int size() {
        return size;
    }

    @Nullable
    TimerEntry first() {
        return heap[0];
    }

    void add(TimerEntry entry) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        siftUp(size++, entry);
    }

    /** Takes one out; does nothing when it is not here. */
    void remove(TimerEntry entry) {
        int at = entry.index;
        if (at < 0 || at >= size || heap[at] != entry) {
            return;
        }
        int last = --size;
        TimerEntry moved = heap[last];
        heap[last] = null;
        entry.index = -1;
        if (at != last && moved != null) {
            siftDown(at, moved);
            if (heap[at] == moved) {
                siftUp(at, moved);
            }
        }
        if (size < heap.length >> 2 && size > 1024) {
            heap = Arrays.copyOf(heap, heap.length >> 1);
        }
    }

    void clear() {
        heap = new TimerEntry[16];
        size = 0;
    }

    private void siftUp(int from, TimerEntry entry) {
        int at = from;
        while (at > 0) {
            int parent = (at - 1) >>> 2;
            TimerEntry above = heap[parent];
            if (above == null || !entry.isBefore(above)) {
                break;
            }
            put(at, above);
            at = parent;
        }
        put(at, entry);
    }

    private void siftDown(int from, TimerEntry entry) {
        int at = from;
        while (true) {
            int child = 4 * at + 1;
            if (child >= size) {
                break;
            }
            TimerEntry least = heap[child];
            int end = Math.min(child + 4, size);
            for (int i = child + 1; i < end; i++) {
                TimerEntry other = heap[i];
                if (least == null || (other != null && other.isBefore(least))) {
                    least = other;
                    child = i;
                }
            }
            if (least == null || !least.isBefore(entry)) {
                break;
            }
            put(at, least);
            at = child;
        }
        put(at, entry);
    }

    private void put(int at, TimerEntry entry) {
        heap[at] = entry;
        entry.index = at;
    }
}
