/** Who asks and what they may do: tokens, certificates, impersonation, RBAC. */
@NullMarked
package dev.coppice.control.access;

import org.jspecify.annotations.NullMarked;
