package dev.coppice.kernel.stage;

/**
 * A message that a stage gave up; of a batch, each message on its own.
 *
 * @param attempts how often it was tried
 */
public record DeadLetter(String stage, Object message, int attempts, Throwable cause) {}
