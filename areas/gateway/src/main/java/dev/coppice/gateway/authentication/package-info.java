/**
 * Finds out who sends a request: API keys, passwords, tokens of issuers. Knows neither sockets nor resources; what it may look at of a
 * request, and the time, come from the caller.
 */
@NullMarked
package dev.coppice.gateway.authentication;

import org.jspecify.annotations.NullMarked;
