/** A write-ahead log in segments: what the Raft log's entries lie in. Internal to the store. */
@NullMarked
package dev.coppice.store.wal;

import org.jspecify.annotations.NullMarked;
