/** A multi-version key-value store with the semantics of etcd, replicated by Raft. */
@NullMarked
package dev.coppice.store;

import org.jspecify.annotations.NullMarked;
