/** Demand-driven stages (GenStage's model, Broadway's shape): nothing is produced before somebody asked for it. */
@NullMarked
package dev.coppice.kernel.stage;

import org.jspecify.annotations.NullMarked;
