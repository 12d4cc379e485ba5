package dev.coppice.distribution;

import dev.coppice.kernel.ProcessRef;
import java.time.Duration;

/** What names, groups and shards need of the other nodes. Safe for use by many threads. */
interface Wire {
    NodeId self();

    /** Sends a message to the same part of another node; messages arrive in order, or the node goes down. */
    void send(NodeId to, Record message);

    /** The node of a process. */
    NodeId home(ProcessRef<?> process);

    void after(Duration delay, Runnable action);

    /** The wall clock. */
    long millis();

    /** From 0 to 1. */
    double random();
}
