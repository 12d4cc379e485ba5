/** Health checks, notifications and status pages. */
@NullMarked
package dev.coppice.health;

import org.jspecify.annotations.NullMarked;
