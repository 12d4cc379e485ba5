package dev.coppice.kernel.flow;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A flow as it was described. */
sealed interface Plan {
    /** Items of a source, dealt with by so many workers. */
    record From(Source source, int stages) implements Plan {}

    /** A step in the same worker. */
    record Then(Plan before, Step step) implements Plan {}

    /** Items go to other workers: equal keys to the same one, or, without a key, to any. */
    record Shuffle(List<Plan> inputs, @Nullable Function<Object, ?> key, int stages) implements Plan {}

    /** What a worker does with items; linked anew for each worker. */
    interface Step {
        Link link(Context context, Link next);

        /** How often it wants to be called; null for never. */
        default @Nullable Duration tick() {
            return null;
        }

        /** Whether it gives items later than it takes those that they come from. */
        default boolean keepsItems() {
            return false;
        }

        /** Whether it depends on how far the sources are done. */
        default boolean followsProgress() {
            return false;
        }
    }
}
