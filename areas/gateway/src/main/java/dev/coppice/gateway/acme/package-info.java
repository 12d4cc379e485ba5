/** Certificates from ACME servers (RFC 8555): what cert-manager's kinds say is made true. */
@NullMarked
package dev.coppice.gateway.acme;

import org.jspecify.annotations.NullMarked;
