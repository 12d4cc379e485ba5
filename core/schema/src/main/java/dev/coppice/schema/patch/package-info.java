/** Patches of resources: JSON merge patch, JSON patch and Kubernetes' strategic merge patch; pure functions over JSON trees. */
@NullMarked
package dev.coppice.schema.patch;

import org.jspecify.annotations.NullMarked;
