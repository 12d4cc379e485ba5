/** The gateway area: traffic routed by Kubernetes' Gateway API. {@code config} is what its two halves share. */
@NullMarked
package dev.coppice.gateway;

import org.jspecify.annotations.NullMarked;
