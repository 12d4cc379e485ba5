@NullMarked
package dev.coppice.gateway.mesh;

import org.jspecify.annotations.NullMarked;
