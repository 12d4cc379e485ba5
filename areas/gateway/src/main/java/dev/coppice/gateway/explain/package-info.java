/** Says in words what becomes of a request, and what is routed where. */
@NullMarked
package dev.coppice.gateway.explain;

import org.jspecify.annotations.NullMarked;
