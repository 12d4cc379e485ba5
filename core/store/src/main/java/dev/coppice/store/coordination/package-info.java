/**
 * Locks, semaphores, barriers and elections over a keyspace, in the key layout of etcd's own clients: etcdctl lock and elect,
 * jetcd, and this API contend for the same names.
 *
 * @see <a href="https://pkg.go.dev/go.etcd.io/etcd/client/v3/concurrency">concurrency</a>
 */
@NullMarked
package dev.coppice.store.coordination;

import org.jspecify.annotations.NullMarked;
