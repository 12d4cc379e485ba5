package dev.coppice.kernel;

import java.util.Map;

/**
 * Events that happened, for whoever listens in this process: how areas tell each other things without knowing each
 * other. A handler that throws is detached and counted; it never harms the sender. Safe for use by many threads.
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

    void emit(Event event);

    /** Calls the handler, in the thread of the sender, for every event whose name starts with the prefix. */
    Subscription subscribe(String id, String prefix, Handler handler);

    @FunctionalInterface
    interface Handler {
        void handle(Event event) throws Exception;
    }

    /** Ends by {@link #close}. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
