package dev.coppice.kernel.stage;

/** A message that a stage gave up. */
public record DeadLetter(String stage, Object message, int attempts, Throwable cause) {}
