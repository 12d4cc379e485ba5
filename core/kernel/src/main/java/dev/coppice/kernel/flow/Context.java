package dev.coppice.kernel.flow;

import dev.coppice.kernel.Kernel;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the steps of a worker know of the run. */
final class Context {
    /** What comes from items that were kept for a while belongs to no part of a source. */
    static final int NO_SOURCE = -1;

    final Kernel kernel;
    final int worker;
    /** Where messages for the next workers go; valid during a call. */
    Consumer<? super Context.Message> out = _ -> {};
    /** The source, and its part, that the items dealt with now come from. */
    int source = NO_SOURCE;

    long part;

    /** How far the sources are, for the step that is being linked; null when steps before it keep items. */
    @Nullable
    Watermark watermark;

    /**
     * All items up to this time have come, or will come only from sources that {@link #watermark} follows; at the start of
     * a pause that of the workers before, and then what each step makes of it.
     */
    long markMillis = Long.MAX_VALUE;

    /** By the channel that they came by: how far each worker before is. */
    private final Map<Integer, long[]> marks = new TreeMap<>();

    /** @param channels those that tell how far they are, with the number of workers that send by each */
    Context(Kernel kernel, int worker, Map<Integer, Integer> channels) {
        this.kernel = kernel;
        this.worker = worker;
        channels.forEach((channel, workers) -> {
            long[] unknown = new long[workers];
            Arrays.fill(unknown, Long.MIN_VALUE);
            marks.put(channel, unknown);
        });
    }

    void marked(Mark mark) {
        long[] known = marks.get(mark.channel);
        if (known != null) {
            known[mark.worker] = mark.millis;
        }
    }

    /** The least mark of all workers before; the greatest number where none sends any. */
    long leastMark() {
        long least = Long.MAX_VALUE;
        for (long[] each : marks.values()) {
            for (long millis : each) {
                least = Math.min(least, millis);
            }
        }
        return least;
    }

    /** What goes from worker to worker. */
    sealed interface Message {}

    /** A part of a source, for any worker. */
    record Split(int source, long part, Source.Part items) implements Message {}

    /** Items for one worker. */
    record Chunk(int to, int source, long part, Object[] items, int size) implements Message {}

    /** Tells one worker that another one will send it nothing with this time, or an earlier one, any more. */
    record Mark(int to, int channel, int worker, long millis) implements Message {}
}
