/** Deadlocks: the wait-for graph, and what is done about its cycles. */
@NullMarked
package dev.coppice.coordination.deadlock;

import org.jspecify.annotations.NullMarked;
