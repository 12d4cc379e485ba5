package dev.coppice.kernel.flow;

/** Something done to each item. */
@FunctionalInterface
public interface FlowAction<T> {
    /** Does something to an item; an exception fails the flow. */
    void accept(T item) throws Exception;
}
