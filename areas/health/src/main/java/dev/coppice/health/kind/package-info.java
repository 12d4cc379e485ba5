/** The kinds of the health area as records: schemas, CustomResourceDefinitions and the reference come from them. */
@NullMarked
package dev.coppice.health.kind;

import org.jspecify.annotations.NullMarked;
