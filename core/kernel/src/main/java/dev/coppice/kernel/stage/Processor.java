package dev.coppice.kernel.stage;

import java.util.function.Consumer;

/**
 * Turns a message into any number of others. An exception fails the message, an error ends the worker. One that all workers
 * of a stage share has to be thread-safe; one made for each worker (by a supplier) is used by one thread.
 */
@FunctionalInterface
public interface Processor<I, O> {

    /**
     * Handles one message. What is given to {@code out} goes on once this returns, or earlier when it is more than 1,000
     * messages; {@code out} then waits for demand. When it is a batch, {@link PartialFailureException} fails a part of it.
     */
    void process(I message, Consumer<? super O> out) throws Exception;

    /**
     * Called about every {@link StageOptions#tick} of the kernel's clock, between messages, if the options have one. What it
     * gives belongs to no produced message. An exception ends the worker.
     */
    default void tick(Consumer<? super O> out) throws Exception {}

    /** Called once all messages were handled, before the stage ends. Otherwise like {@link #tick}. */
    default void end(Consumer<? super O> out) throws Exception {}
}
