/** Loads on a Kubernetes API server: Coppice's, and another one beside it. */
@NullMarked
package dev.coppice.bench.api;

import org.jspecify.annotations.NullMarked;
