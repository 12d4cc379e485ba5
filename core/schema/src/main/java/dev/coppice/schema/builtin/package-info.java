/** The kinds that Kubernetes brings: their definitions, and the rules that schemas cannot express. */
@NullMarked
package dev.coppice.schema.builtin;

import org.jspecify.annotations.NullMarked;
