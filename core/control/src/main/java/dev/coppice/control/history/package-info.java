/** Who changed what, when, and because of what: the journal beside the objects, and what is read from it. */
@NullMarked
package dev.coppice.control.history;

import org.jspecify.annotations.NullMarked;
