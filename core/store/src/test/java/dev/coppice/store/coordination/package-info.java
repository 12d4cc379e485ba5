@NullMarked
package dev.coppice.store.coordination;

import org.jspecify.annotations.NullMarked;
