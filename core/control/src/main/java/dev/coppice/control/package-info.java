/** The resource API: kinds, admission, watch, controllers. */
@NullMarked
package dev.coppice.control;

import org.jspecify.annotations.NullMarked;
