/**
 * A client of etcd's v3 API: a keyspace that a real etcd cluster keeps, in place of this process's own store, or that of nodes
 * of Coppice elsewhere.
 */
@org.jspecify.annotations.NullMarked
package dev.coppice.store.remote;
