package dev.coppice.kernel.flow;

import dev.coppice.kernel.Kernel;
import java.util.List;
import java.util.function.Consumer;

/** What the steps of a worker know of the run. */
final class Context {
    final Kernel kernel;
    final int worker;
    final List<Progress> sources;
    /** Where messages for the next workers go; valid during a call. */
    Consumer<? super Context.Message> out = _ -> {};
    /** The source, and its part, that the items dealt with now come from. */
    int source;

    long part;

    Context(Kernel kernel, int worker, List<Progress> sources) {
        this.kernel = kernel;
        this.worker = worker;
        this.sources = sources;
    }

    /** What goes from worker to worker. */
    sealed interface Message {}

    /** A part of a source, for any worker. */
    record Split(int source, long part, Source.Part items) implements Message {}

    /** Items for one worker. */
    record Chunk(int to, int source, long part, Object[] items, int size) implements Message {}
}
