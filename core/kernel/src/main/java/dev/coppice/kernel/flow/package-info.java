/** Parallel work on collections, files and stages (Elixir's Flow): described first, then run on bounded stages. */
@NullMarked
package dev.coppice.kernel.flow;

import org.jspecify.annotations.NullMarked;
