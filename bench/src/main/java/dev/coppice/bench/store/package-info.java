/** The store's speed table: the same load against Coppice's store and Debian's etcd. */
@NullMarked
package dev.coppice.bench.store;

import org.jspecify.annotations.NullMarked;
