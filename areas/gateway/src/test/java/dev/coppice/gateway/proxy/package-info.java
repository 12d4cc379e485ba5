@NullMarked
package dev.coppice.gateway.proxy;

import org.jspecify.annotations.NullMarked;
