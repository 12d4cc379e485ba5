@NullMarked
package dev.coppice.store.etcd;

import org.jspecify.annotations.NullMarked;
