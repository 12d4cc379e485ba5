/** The console page. */
@NullMarked
package dev.coppice.gateway.page;

import org.jspecify.annotations.NullMarked;
