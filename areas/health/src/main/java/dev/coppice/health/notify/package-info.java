/** Notifications: routing, grouping, deduplication, reminders, and delivery from a durable outbox. */
@NullMarked
package dev.coppice.health.notify;

import org.jspecify.annotations.NullMarked;
