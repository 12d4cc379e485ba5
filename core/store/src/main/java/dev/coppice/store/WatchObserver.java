package dev.coppice.store;

import dev.coppice.store.api.WatchResponse;
import org.jspecify.annotations.Nullable;

/**
 * Takes what a watch tells. Called by one thread at a time, a virtual thread of the watch's own: it may block, which
 * slows nobody else down. A watch whose observer is slow reads what it missed from the disk, in order and without gaps.
 */
public interface WatchObserver {

    /**
     * The first response has {@code created} set. Then come events, whole revisions in order (parts of one with {@code
     * fragment}), and progress (no events). An exception ends the watch.
     */
    void response(WatchResponse response) throws Exception;

    /**
     * The watch has ended and tells nothing more; called once.
     *
     * @param error null when it was closed by {@link Watch#close}; a {@link StoreException} whose {@link
     *     StoreException#compacted} is true when its start revision is gone (the response before has {@code canceled} and
     *     {@code compact_revision} set)
     */
    default void closed(@Nullable Throwable error) {}
}
