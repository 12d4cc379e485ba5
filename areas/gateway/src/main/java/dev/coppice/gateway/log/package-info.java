/** Access logs without the data plane: what a line has, how it is written, and where it goes. */
@NullMarked
package dev.coppice.gateway.log;

import org.jspecify.annotations.NullMarked;
