/** Controllers of the health area: they make HealthCheck, NotificationPolicy and StatusPage resources true. */
@NullMarked
package dev.coppice.health.control;

import org.jspecify.annotations.NullMarked;
