/** Says where addresses are, by databases in MaxMind's format. Knows neither requests nor configuration. */
@NullMarked
package dev.coppice.gateway.geography;

import org.jspecify.annotations.NullMarked;
