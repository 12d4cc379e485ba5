/**
 * Server-side apply: who owns which field, and merging, pruning and conflicts that follow from it. The semantics are those of
 * Kubernetes' structured-merge-diff v4; pure algorithms over JSON trees.
 */
@NullMarked
package dev.coppice.schema.apply;

import org.jspecify.annotations.NullMarked;
