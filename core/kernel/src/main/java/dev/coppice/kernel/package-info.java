/**
 * Supervision, processes, telemetry, time: the runtime that everything else runs on.
 *
 * <p>The model is Erlang/OTP's (supervisor, gen_server, pg, sys); these are the differences. A message is an object that both
 * sides see, so it has to be immutable. A running thread cannot be ended from outside: a kill declares the process dead,
 * interrupts its thread and goes on without it. A stop by the supervisor goes through the mailbox's signals and always runs
 * {@code terminate}; it does not interrupt the handler before the time for the shutdown is over. An address leads to
 * whichever life a process is in, so it survives restarts. A restarted supervisor brings back the children that were added
 * while it ran. A child that ended and is not to be restarted is forgotten, unless its supervisor's own specification names
 * it. One-for-one children start and restart beside each other.
 */
@NullMarked
package dev.coppice.kernel;

import org.jspecify.annotations.NullMarked;
