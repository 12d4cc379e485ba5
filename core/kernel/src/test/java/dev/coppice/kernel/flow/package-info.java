@NullMarked
package dev.coppice.kernel.flow;

import org.jspecify.annotations.NullMarked;
