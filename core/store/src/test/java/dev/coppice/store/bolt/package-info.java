@NullMarked
package dev.coppice.store.bolt;

import org.jspecify.annotations.NullMarked;
