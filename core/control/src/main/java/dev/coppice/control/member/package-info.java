/** The nodes of the cluster as read-only resources, for {@code kubectl get members}. */
@NullMarked
package dev.coppice.control.member;

import org.jspecify.annotations.NullMarked;
