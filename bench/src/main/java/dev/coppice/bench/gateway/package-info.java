/** The gateway's data plane beside nginx and HAProxy. */
@NullMarked
package dev.coppice.bench.gateway;

import org.jspecify.annotations.NullMarked;
