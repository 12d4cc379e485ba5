/** The keys that all nodes share, and how they are exchanged for new ones while everything runs. */
@NullMarked
package dev.coppice.control.keys;

import org.jspecify.annotations.NullMarked;
