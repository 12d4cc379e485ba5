/** A keyspace that is somewhere else: a client of etcd's v3 API. */
@NullMarked
package dev.coppice.store.client;

import org.jspecify.annotations.NullMarked;
