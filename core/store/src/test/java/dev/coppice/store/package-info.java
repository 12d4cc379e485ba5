@NullMarked
package dev.coppice.store;

import org.jspecify.annotations.NullMarked;
