package dev.coppice.kernel.stage;

import java.util.function.Consumer;

/** Turns a message into any number of others. An exception fails the message, an error ends the worker. Thread-safe. */
@FunctionalInterface
public interface Processor<I, O> {

    /** What is given to {@code out} goes on once this returns. */
    void process(I message, Consumer<? super O> out) throws Exception;
}
