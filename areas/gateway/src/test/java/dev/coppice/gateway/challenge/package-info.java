@NullMarked
package dev.coppice.gateway.challenge;

import org.jspecify.annotations.NullMarked;
