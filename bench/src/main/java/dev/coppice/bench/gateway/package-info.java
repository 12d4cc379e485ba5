/** The gateway: its data plane beside nginx and HAProxy, and its translation of many routes. */
@NullMarked
package dev.coppice.bench.gateway;

import org.jspecify.annotations.NullMarked;
