package dev.coppice.distribution.transport;

/**
 * A connection to another node: batches arrive whole and in order, or the connection is closed. Sending is for one thread at
 * a time; everything else is safe for use by many.
 */
public interface Connection {

    /** Sends a batch, without waiting; one that cannot be sent any more is dropped. */
    void send(byte[] batch);

    /** Whether another batch would not just be kept in memory; {@link Receiver#writable} tells when it is so again. */
    boolean writable();

    /** Lets so many more batches in; there are none before the first call. */
    void request(int batches);

    void close(String why);
}
