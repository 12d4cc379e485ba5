package dev.coppice.kernel;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Events that happened, for whoever listens in this process: how areas tell each other things without knowing each
 * other (Erlang: telemetry). A handler never harms the sender: one that throws is detached and counted, one that is slow
 * is counted, and one that may block can have a queue of its own. An event that nobody listens to costs next to nothing.
 * Safe for use by many threads.
 */
public interface Telemetry {

    /**
     * One event.
     *
     * @param name dotted, such as {@code health.check.transition}
     * @param measurements numbers, with units in their names
     * @param metadata whatever describes it; immutable values
     */
    record Event(String name, Map<String, Number> measurements, Map<String, Object> metadata) {}

    /** Hands an event to every handler whose prefix its name has. */
    void emit(Event event);

    /** Emits an event that is only made when somebody listens to its name. */
    default void emit(String name, Supplier<Event> event) {
        if (listens(name)) {
            emit(event.get());
        }
    }

    /** Whether a handler would get an event of this name. One look at a map at most. */
    boolean listens(String name);

    /**
     * Calls the handler, in the thread of the sender, for every event whose name starts with the prefix. It must not block;
     * calls over 50 ms are counted.
     *
     * @param id names it in logs and in {@link #handlers}
     */
    Subscription subscribe(String id, String prefix, Handler handler);

    /**
     * The same for a handler that may block: events wait for it in a queue, and it gets them one at a time, in order, on
     * a virtual thread. Events beyond {@code capacity} are dropped and counted.
     */
    Subscription subscribe(String id, String prefix, int capacity, Handler handler);

    /** Detaches all handlers of that id; gives their number. */
    int detach(String id);

    /** The handlers there are, in order of subscription. */
    List<Attached> handlers();

    /**
     * Runs a piece of work as a span: emits {@code name.start} before, and {@code name.stop} or {@code name.exception}
     * after it, with the {@link SpanContext} as {@code span} and that of the span around it as {@code parent} in their
     * metadata. The start measures {@code monotonic_nanos}, the others {@code duration_nanos} too, on the kernel's clock;
     * an exception adds {@code error}. Whatever the work emits can be tied to it by {@link SpanContext#current}.
     *
     * <p>Without any handler in the kernel it just runs the work, without a context.
     */
    <T, X extends Exception> T span(String name, Map<String, Object> metadata, Spanned<T, X> work) throws X;

    /** Work inside a span. */
    @FunctionalInterface
    interface Spanned<T, X extends Exception> {
        /** Does it, in the thread of the caller. */
        T run(Span span) throws X;
    }

    /** A span under way: what it is given here goes out with its end. For the thread that runs it. */
    interface Span {
        /** Adds to the metadata of the event at its end. */
        void put(String key, Object value);

        /** Adds to the measurements of the event at its end; the key names the unit. */
        void measure(String key, Number value);
    }

    /** Takes events. */
    @FunctionalInterface
    interface Handler {
        /** Takes one; an exception detaches it. */
        void handle(Event event) throws Exception;
    }

    /**
     * A handler and how it does.
     *
     * @param handled events it was called for
     * @param slow calls over 50 ms
     * @param dropped events that its queue had no room for
     */
    record Attached(String id, String prefix, long handled, long slow, long dropped) {}

    /** Ends by {@link #close}. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
