/** What runs in this node as read-only resources: the supervision tree for {@code kubectl get processes}. */
@NullMarked
package dev.coppice.control.process;

import org.jspecify.annotations.NullMarked;
