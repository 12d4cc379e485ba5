/** The Gateway API's conformance tests, read from their data and run against a node; the echo backends that they need. */
@NullMarked
package dev.coppice.acceptance.gateway;

import org.jspecify.annotations.NullMarked;
