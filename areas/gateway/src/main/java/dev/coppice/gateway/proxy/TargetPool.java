package dev.coppice.gateway.proxy;

/** One event loop's connections to one endpoint, whatever they speak. Used on that loop only. */
interface TargetPool {

    /** Gives a stream to the attempt, now or later, or tells it that there will be none. */
    void take(Attempt attempt);

    /** The attempt does not want a stream any more: it may have turned to another endpoint, and must not be served twice. */
    void forget(Attempt attempt);

    /** Connections that are there or being made. */
    int open();

    /** Whether there is neither a connection nor somebody who waits. */
    boolean empty();

    /** Closes connections that were not used for long, and all unused ones to an endpoint that is gone. */
    void closeIdle(long now);

    void closeAll();

    /** The client is gone that it was for: what is unused is closed now, all else when it is not used any more. */
    void retire();
}
