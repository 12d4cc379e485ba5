@NullMarked
package dev.coppice.gateway.cache;

import org.jspecify.annotations.NullMarked;
