@NullMarked
package dev.coppice.gateway.file;

import org.jspecify.annotations.NullMarked;
