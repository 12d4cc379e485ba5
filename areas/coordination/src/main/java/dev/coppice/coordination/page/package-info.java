/** The console page. */
@NullMarked
package dev.coppice.coordination.page;

import org.jspecify.annotations.NullMarked;
