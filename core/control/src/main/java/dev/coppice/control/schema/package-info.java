/** Schemas: from records, from CustomResourceDefinitions, and of the built-in kinds; validation, defaults, pruning. */
@NullMarked
package dev.coppice.control.schema;

import org.jspecify.annotations.NullMarked;
