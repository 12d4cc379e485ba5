package dev.coppice.kernel.stage;

import java.util.function.Function;

/** How a stage's messages are shared out among those who subscribed to it. Functions given to it are pure. */
public sealed interface Dispatcher<T> {
    /** Each message goes to whichever worker asks next. */
    record Demand<T>() implements Dispatcher<T> {}

    /** Each message goes to every subscribed stage, as fast as the slowest of them asks. */
    record Broadcast<T>() implements Dispatcher<T> {}

    /** Messages with equal keys go, in order, to the same worker. */
    record Partition<T>(Function<? super T, ?> key) implements Dispatcher<T> {}

    /** Each message goes to the subscribed stage that the function names; to a dead letter when there is none. */
    record Route<T>(Function<? super T, String> stage) implements Dispatcher<T> {}
}
