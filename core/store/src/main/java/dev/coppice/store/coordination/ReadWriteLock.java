package dev.coppice.store.coordination;

/**
 * A lock that readers share and a writer has alone, in the key layout of etcd's recipes: {@code NAME/read/LEASE} and
 * {@code NAME/write/LEASE}.
 */
public record ReadWriteLock(DistributedLock read, DistributedLock write) {}
