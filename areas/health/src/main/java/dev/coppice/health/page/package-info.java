/** Pages of the health area: console, public status pages, badges, heartbeats. */
@NullMarked
package dev.coppice.health.page;

import org.jspecify.annotations.NullMarked;
