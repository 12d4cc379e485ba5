/** The console: pages that belong to no area. */
@NullMarked
package dev.coppice.console;

import org.jspecify.annotations.NullMarked;
