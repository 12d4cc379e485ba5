@NullMarked
package dev.coppice.gateway.acme;

import org.jspecify.annotations.NullMarked;
