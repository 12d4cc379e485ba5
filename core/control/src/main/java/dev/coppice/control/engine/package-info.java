/** The verbs of the resource API over any type. */
@NullMarked
package dev.coppice.control.engine;

import org.jspecify.annotations.NullMarked;
