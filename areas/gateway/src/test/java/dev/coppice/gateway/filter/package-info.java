@NullMarked
package dev.coppice.gateway.filter;

import org.jspecify.annotations.NullMarked;
