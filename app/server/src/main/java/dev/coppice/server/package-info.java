/** The server: configuration, the root supervisor, the list of extensions. */
@NullMarked
package dev.coppice.server;

import org.jspecify.annotations.NullMarked;
