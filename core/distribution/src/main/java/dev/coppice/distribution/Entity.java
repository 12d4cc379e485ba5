package dev.coppice.distribution;

import dev.coppice.kernel.Behavior;
import org.jspecify.annotations.Nullable;

/**
 * What a {@linkplain Shards sharded} process does with its mail, and what it leaves to its next life on another node.
 *
 * @param <M> the messages
 */
public interface Entity<M> extends Behavior<M> {

    /**
     * What its next life begins with, when the process moves to another node: a registered message; null for nothing. Called
     * between two messages; none follows.
     */
    @Nullable
    Object handOver();

    /** Makes entities. */
    @FunctionalInterface
    interface Factory<M> {
        /**
         * Makes one.
         *
         * @param state what its former life handed over; null when there is none
         */
        Entity<M> make(String id, @Nullable Object state);
    }
}
