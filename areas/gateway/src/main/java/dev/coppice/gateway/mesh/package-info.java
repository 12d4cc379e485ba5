/** Services as addresses of their own: which one each has, and what its ports speak. Pure functions of objects. */
@NullMarked
package dev.coppice.gateway.mesh;

import org.jspecify.annotations.NullMarked;
