package dev.coppice.coordination.contention;

/** How somebody stands in a queue. */
public enum Role {
    LOCK,
    READ,
    WRITE,
    SEMAPHORE,
    BARRIER,
    CANDIDATE
}
