package dev.coppice.kernel.flow;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** How the items of each partition are divided before they are reduced. Immutable. */
public final class Window<T> {
    sealed interface Kind<T> {}

    record All<T>() implements Kind<T> {}

    record Count<T>(long items) implements Kind<T> {}

    record Periodic<T>(Duration period) implements Kind<T> {}

    record EventTime<T>(
            long sizeMillis,
            long slideMillis,
            ToLongFunction<? super T> millis,
            long latenessMillis,
            Consumer<? super T> late)
            implements Kind<T> {}

    final Kind<T> kind;
    final long triggerItems;
    final @Nullable Duration triggerPeriod;

    private Window(Kind<T> kind, long triggerItems, @Nullable Duration triggerPeriod) {
        this.kind = kind;
        this.triggerItems = triggerItems;
        this.triggerPeriod = triggerPeriod;
    }

    private static <T> Window<T> of(Kind<T> kind) {
        return new Window<>(kind, Long.MAX_VALUE, null);
    }

    /** One window for everything; useful with a trigger. */
    public static <T> Window<T> all() {
        return of(new All<>());
    }

    /** So many items each. */
    public static <T> Window<T> count(long items) {
        if (items < 1) {
            throw new IllegalArgumentException("items " + items + " must be at least 1");
        }
        return of(new Count<>(items));
    }

    /** The items that arrive within a time, on the kernel's clock. */
    public static <T> Window<T> periodic(Duration period) {
        return of(new Periodic<>(positive("period", period)));
    }

    /** Tumbling windows by the time that an item carries; starts are multiples of the size since 1970. */
    public static <T> Window<T> fixed(Duration size, ToLongFunction<? super T> millis) {
        return sliding(size, size, millis);
    }

    /** Windows of a size that start every {@code slide} by the time that an item carries; an item is in several. */
    public static <T> Window<T> sliding(Duration size, Duration slide, ToLongFunction<? super T> millis) {
        long sizeMillis = positive("size", size).toMillis();
        long slideMillis = positive("slide", slide).toMillis();
        if (slideMillis < 1 || sizeMillis < slideMillis || sizeMillis / slideMillis > 1_000) {
            throw new IllegalArgumentException("slide " + slide + " must be from a millisecond to the size " + size
                    + ", and at least a thousandth of it");
        }
        return of(new EventTime<>(sizeMillis, slideMillis, millis, 0, _ -> {}));
    }

    /**
     * Keeps windows of event time open for so long after their end, and says what to do with items that come even later. Late
     * is what is older than items that stood before it in its source; without this such items are dropped.
     *
     * @param late gets items whose windows are closed; thread-safe
     */
    public Window<T> allowedLateness(Duration lateness, Consumer<? super T> late) {
        if (!(kind instanceof EventTime<T> event)) {
            throw new IllegalStateException("only windows of event time can be late");
        }
        return new Window<>(
                new EventTime<>(event.sizeMillis, event.slideMillis, event.millis, lateness.toMillis(), late),
                triggerItems,
                triggerPeriod);
    }

    /** Gives what there is after every so many items, and starts over. */
    public Window<T> triggerEvery(long items) {
        if (items < 1) {
            throw new IllegalArgumentException("items " + items + " must be at least 1");
        }
        return new Window<>(kind, items, triggerPeriod);
    }

    /** Gives what there is after every such time on the kernel's clock, and starts over. */
    public Window<T> triggerPeriodically(Duration period) {
        return new Window<>(kind, triggerItems, positive("period", period));
    }

    private static Duration positive(String field, Duration duration) {
        if (!duration.isPositive()) {
            throw new IllegalArgumentException(field + " " + duration + " must be positive");
        }
        return duration;
    }
}
