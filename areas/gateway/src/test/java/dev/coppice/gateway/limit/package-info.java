@NullMarked
package dev.coppice.gateway.limit;

import org.jspecify.annotations.NullMarked;
