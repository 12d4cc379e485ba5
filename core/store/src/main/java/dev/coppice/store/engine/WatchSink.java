package dev.coppice.store.engine;

import org.jspecify.annotations.Nullable;

/** Where a {@linkplain WatchSession session} tells what its watches see; called by one thread at a time. */
public interface WatchSink {

    /**
     * Tells some watches the same. May block, which slows down the watches of this session alone; an exception ends them all.
     */
    void send(WatchBody body, long[] watches) throws Exception;

    /**
     * A watch has ended, and nothing more is told of it. Does not block.
     *
     * @param error null when somebody ended it
     * @param told whether the watch was told the end already
     */
    void ended(long watch, @Nullable Throwable error, boolean told);
}
