package dev.coppice.kernel.flow;

/** Something done to each item. */
@FunctionalInterface
public interface FlowAction<T> {
    void accept(T item) throws Exception;
}
