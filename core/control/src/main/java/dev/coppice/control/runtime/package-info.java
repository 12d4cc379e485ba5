/** The controller runtime: local copies kept by list and watch, keyed work queues, reconcile loops, leader election. */
@NullMarked
package dev.coppice.control.runtime;

import org.jspecify.annotations.NullMarked;
