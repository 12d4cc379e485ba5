@NullMarked
package dev.coppice.store.raft;

import org.jspecify.annotations.NullMarked;
