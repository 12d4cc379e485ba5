@NullMarked
package dev.coppice.gateway.transcode;

import org.jspecify.annotations.NullMarked;
