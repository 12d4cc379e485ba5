/** The shapes of resources: schemas, validation, defaults, pruning, and the merges that follow them; pure algorithms over JSON trees. */
@NullMarked
package dev.coppice.schema;

import org.jspecify.annotations.NullMarked;
