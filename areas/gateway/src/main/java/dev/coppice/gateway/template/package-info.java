/** Texts with places for what requests have: how they are written, and what becomes of them. */
@NullMarked
package dev.coppice.gateway.template;

import org.jspecify.annotations.NullMarked;
