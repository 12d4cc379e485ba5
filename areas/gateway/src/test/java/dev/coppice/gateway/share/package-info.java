@NullMarked
package dev.coppice.gateway.share;

import org.jspecify.annotations.NullMarked;
