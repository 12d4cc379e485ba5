/**
 * The data plane for HTTP: every connection lives on one event loop, and so does everything that its requests need, down to the
 * connections to the backends. Nothing here waits, locks or looks at resources.
 */
@NullMarked
package dev.coppice.gateway.proxy;

import org.jspecify.annotations.NullMarked;
