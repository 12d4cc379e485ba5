/** What happens to objects by themselves: namespace termination, garbage collection, names of custom types. */
@NullMarked
package dev.coppice.control.lifecycle;

import org.jspecify.annotations.NullMarked;
