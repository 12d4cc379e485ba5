package dev.coppice.distribution;

/** Another node while it is connected. Safe for use by many threads. */
interface Peer {

    NodeId node();

    /** When it was connected: nanoseconds of the kernel's clock. */
    long sinceNanos();

    /**
     * Sends mail. When too much waits for this node it waits for a while, then drops the frame and counts it.
     *
     * @return false when it was dropped, or the connection is over
     */
    boolean mail(byte[] frame);

    /** Sends mail that is worth nothing later: as {@link #mail}, but drops it at once when too much waits. */
    boolean offer(byte[] frame);

    /** Sends at once what must neither wait nor be lost; a node that does not take such frames is disconnected. */
    boolean urgent(byte[] frame);

    void disconnect(String why);
}
