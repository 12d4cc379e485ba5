/** A keyspace served as etcd serves its own: the v3 gRPC services, the JSON gateway beside them, users and tokens. */
@NullMarked
package dev.coppice.store.etcd;

import org.jspecify.annotations.NullMarked;
