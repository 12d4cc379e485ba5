@NullMarked
package dev.coppice.gateway.resilience;

import org.jspecify.annotations.NullMarked;
