/** Processes over several nodes, as OTP has them: addresses, monitors, links, names, groups, singletons, shards. */
@NullMarked
package dev.coppice.distribution;

import org.jspecify.annotations.NullMarked;
