@NullMarked
package dev.coppice.gateway.proxyprotocol;

import org.jspecify.annotations.NullMarked;
