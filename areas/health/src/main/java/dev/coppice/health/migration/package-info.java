/** Turns the configuration of other health checkers into HealthCheck manifests, and tells what has no counterpart. */
@NullMarked
package dev.coppice.health.migration;

import org.jspecify.annotations.NullMarked;
