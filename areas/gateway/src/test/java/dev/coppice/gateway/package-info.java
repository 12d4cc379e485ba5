@NullMarked
package dev.coppice.gateway;

import org.jspecify.annotations.NullMarked;
