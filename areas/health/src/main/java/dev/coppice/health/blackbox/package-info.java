/** What blackbox_exporter does: its configuration, and its answers to {@code /probe}, so that a Prometheus can switch over. */
@NullMarked
package dev.coppice.health.blackbox;

import org.jspecify.annotations.NullMarked;
