package dev.coppice.control;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes one object true. Level-triggered: it is told which object, never what happened; it is called again until it
 * succeeds, with back-off, and never twice at once for one key.
 */
@FunctionalInterface
public interface Reconciler<S extends Record, T extends Record> {

    Result reconcile(Request<S, T> request) throws Exception;

    /**
     * What to make true.
     *
     * @param key which object
     * @param resource as the informer last saw it; empty once it is gone
     * @param resources the API
     */
    record Request<S extends Record, T extends Record>(
            Key key, Optional<Resource<S, T>> resource, ResourceClient resources) {}

    /**
     * How it went on.
     *
     * @param after reconcile again after this time even when nothing changes; null waits for a change
     */
    record Result(@Nullable Duration after) {
        public static final Result DONE = new Result(null);

        public static Result again(Duration after) {
            return new Result(after);
        }
    }
}
