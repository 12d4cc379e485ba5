/**
 * The replicated state machine: keyspaces of multi-version keys in RocksDB, changed by commands of the log in their order
 * only, read by anybody. Internal to the store.
 */
@NullMarked
package dev.coppice.store.engine;

import org.jspecify.annotations.NullMarked;
