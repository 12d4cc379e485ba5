/**
 * The kinds of Kubernetes' Gateway API (group {@code gateway.networking.k8s.io}) as records, with the published defaults, bounds
 * and rules. Choices stay text: what a later version adds is read, and then refused with a condition.
 */
@NullMarked
package dev.coppice.gateway.kind;

import org.jspecify.annotations.NullMarked;
