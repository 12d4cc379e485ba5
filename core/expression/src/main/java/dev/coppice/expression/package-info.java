/** CEL with the libraries of Kubernetes: compile, bound, run. */
@NullMarked
package dev.coppice.expression;

import org.jspecify.annotations.NullMarked;
