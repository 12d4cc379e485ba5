@NullMarked
package dev.coppice.store.crash;

import org.jspecify.annotations.NullMarked;
