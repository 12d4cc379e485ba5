package dev.coppice.distribution;

/** Where batches of one connection are handled, one after the other; bounded by {@link Link#WINDOW}. */
interface Inbox {

    void put(byte[] batch);

    /** The connection is over; handled after everything that was put, once. */
    void end(String why);
}
