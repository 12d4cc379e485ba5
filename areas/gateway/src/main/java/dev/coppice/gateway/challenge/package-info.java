/** What ACME servers look at to see whose a host name is (RFC 8555, 8.3; RFC 8737): pure functions. */
@NullMarked
package dev.coppice.gateway.challenge;

import org.jspecify.annotations.NullMarked;
