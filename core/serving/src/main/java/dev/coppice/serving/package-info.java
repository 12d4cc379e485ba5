/** Listeners: HTTP and gRPC servers, TLS, mounting, page layout. */
@NullMarked
package dev.coppice.serving;

import org.jspecify.annotations.NullMarked;
