/** Objects as rows of tables: JSONPath as kubectl and CRDs write it, and printer columns. */
@NullMarked
package dev.coppice.schema.table;

import org.jspecify.annotations.NullMarked;
