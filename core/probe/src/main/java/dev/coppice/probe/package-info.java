/** The probing engine that health, workloads and gateway share. */
@NullMarked
package dev.coppice.probe;

import org.jspecify.annotations.NullMarked;
