/** The replicated log, by SOFAJRaft, behind {@link dev.coppice.store.raft.ReplicatedLog}. Internal to the store. */
@NullMarked
package dev.coppice.store.raft;

import org.jspecify.annotations.NullMarked;
