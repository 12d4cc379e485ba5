/** Results over time: a durable, bounded local store with uptime, latency and history queries. */
@NullMarked
package dev.coppice.health.series;

import org.jspecify.annotations.NullMarked;
