/** The engine of health checks: scheduling, probing, state, dependencies, suppression. */
@NullMarked
package dev.coppice.health.check;

import org.jspecify.annotations.NullMarked;
