/** The CEL rules of schemas (x-kubernetes-validations): compiled, checked, and run within bounds. */
@NullMarked
package dev.coppice.schema.rule;

import org.jspecify.annotations.NullMarked;
