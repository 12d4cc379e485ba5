package dev.coppice.control;

import java.time.Duration;
import java.util.List;
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
     * Says what it would do if an object were changed, and does nothing: {@code coppice plan} shows it. Called by any thread, before
     * anything of the change is there; it has two seconds.
     *
     * @return sentences such as {@code will start probing https://example.org every 10s}; none when it would do nothing
     */
    default List<String> plan(Planned<S, T> planned) throws Exception {
        return List.of();
    }

    /**
     * A change that has not happened.
     *
     * @param before empty: it would be created
     * @param after empty: it would be deleted
     */
    record Planned<S extends Record, T extends Record>(
            Optional<Resource<S, T>> before, Optional<Resource<S, T>> after) {}

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
