/** Finds the rule for a request: in time that does not grow with the number of routes, and without allocating. */
@NullMarked
package dev.coppice.gateway.route;

import org.jspecify.annotations.NullMarked;
