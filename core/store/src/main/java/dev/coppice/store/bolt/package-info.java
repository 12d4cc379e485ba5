/** Reads and writes files of bbolt, the database that etcd keeps its data in: as a whole, not as a database to work on. */
@NullMarked
package dev.coppice.store.bolt;

import org.jspecify.annotations.NullMarked;
