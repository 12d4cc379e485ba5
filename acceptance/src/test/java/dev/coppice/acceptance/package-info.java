/** Real clients against a real running Coppice, started by its launcher. */
@NullMarked
package dev.coppice.acceptance;

import org.jspecify.annotations.NullMarked;
