/** Calls to servers that users name: admission and conversion webhooks. */
@NullMarked
package dev.coppice.control.audit;

import org.jspecify.annotations.NullMarked;
