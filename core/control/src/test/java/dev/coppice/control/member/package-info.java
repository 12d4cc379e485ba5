/** The nodes of the cluster as resources. */
@NullMarked
package dev.coppice.control.member;

import org.jspecify.annotations.NullMarked;
