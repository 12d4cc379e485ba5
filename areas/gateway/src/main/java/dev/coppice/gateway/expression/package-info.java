/** CEL over requests: which variables there are, and what an evaluation may cost. */
@NullMarked
package dev.coppice.gateway.expression;

import org.jspecify.annotations.NullMarked;
