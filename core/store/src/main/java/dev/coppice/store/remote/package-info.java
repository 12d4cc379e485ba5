/** A keyspace that a real etcd cluster keeps, in place of this process's own store. */
@org.jspecify.annotations.NullMarked
package dev.coppice.store.remote;
