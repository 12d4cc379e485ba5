/** Finds what jars of extensions provide. */
@NullMarked
package dev.coppice.gateway.provider;

import org.jspecify.annotations.NullMarked;
