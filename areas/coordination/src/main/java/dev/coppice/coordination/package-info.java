/** Locks and elections of the users' keyspace: visible as resources and pages, deadlocks found and resolved. */
@NullMarked
package dev.coppice.coordination;

import org.jspecify.annotations.NullMarked;
