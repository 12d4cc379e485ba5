@NullMarked
package dev.coppice.gateway.content;

import org.jspecify.annotations.NullMarked;
