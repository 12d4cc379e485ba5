/**
 * What the data plane is to serve, as plain data: the control half makes it of resources, the data plane compiles it, and a
 * copy on disk lets a data plane start without either store or control half. No type here knows resources or sockets.
 */
@NullMarked
package dev.coppice.gateway.config;

import org.jspecify.annotations.NullMarked;
