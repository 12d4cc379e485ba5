@NullMarked
package dev.coppice.store.engine;

import org.jspecify.annotations.NullMarked;
