package dev.coppice.kernel.flow;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The time of which all items have been seen at one step that follows the sources themselves: the latest among the parts up
 * to which these are done. So the parts may come in any order, and only what is out of order in the source itself is late.
 * All workers of the step share it, so one without items holds up nobody. Safe for use by many threads.
 */
final class Watermark {
    private final List<Progress> progress;
    private final Map<Integer, Source> sources = new TreeMap<>();

    private static final class Source {
        final TreeMap<Long, Long> latest = new TreeMap<>();
        long mark = Long.MIN_VALUE;
    }

    /** @param numbers the sources whose items come here as they were read */
    Watermark(List<Progress> progress, Set<Integer> numbers) {
        this.progress = progress;
        numbers.forEach(number -> sources.put(number, new Source()));
    }

    /** Notes the latest time in a message; before that is acknowledged. */
    synchronized void saw(int source, long part, long millis) {
        Source from = sources.get(source);
        if (from != null) {
            from.latest.merge(part, millis, Math::max);
        }
    }

    /** The least among the sources that are not over; the greatest number when none is left. */
    synchronized long millis() {
        long least = Long.MAX_VALUE;
        for (Map.Entry<Integer, Source> each : sources.entrySet()) {
            Progress so = progress.get(each.getKey());
            Source from = each.getValue();
            Map<Long, Long> done = from.latest.headMap(so.done(), true);
            for (long millis : done.values()) {
                from.mark = Math.max(from.mark, millis);
            }
            done.clear();
            if (!so.isOver()) {
                least = Math.min(least, from.mark);
            }
        }
        return least;
    }
}
