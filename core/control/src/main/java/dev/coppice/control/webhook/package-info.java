/** Calls to servers that users name: admission and conversion webhooks. */
@NullMarked
package dev.coppice.control.webhook;

import org.jspecify.annotations.NullMarked;
