/**
 * Limits that several nodes have together: which of them owns a key, what the others may let pass without asking it, and what they do while
 * it is away. Knows neither requests nor threads; time comes from a clock that is given, and messages are handed to whoever delivers them. Only
 * {@link dev.coppice.gateway.share.LimitPeers} knows of other nodes.
 */
@NullMarked
package dev.coppice.gateway.share;

import org.jspecify.annotations.NullMarked;
