package dev.coppice.kernel;

/** A monitored process ended. */
public record Down(ProcessRef<?> process, ExitReason reason) {}
