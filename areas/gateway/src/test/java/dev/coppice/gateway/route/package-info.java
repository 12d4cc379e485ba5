@NullMarked
package dev.coppice.gateway.route;

import org.jspecify.annotations.NullMarked;
