/** Objects in a keyspace: layout, encryption at rest, the watch cache. */
@NullMarked
package dev.coppice.control.storage;

import org.jspecify.annotations.NullMarked;
