package dev.coppice.distribution.transport;

/** What happens to a {@link Connection}; called in order, by threads that must not be blocked. */
public interface Receiver {

    void received(byte[] batch);

    /** There is room for more. */
    void writable();

    /** It is over, also when this side closed it; told once. */
    void closed(String why);
}
