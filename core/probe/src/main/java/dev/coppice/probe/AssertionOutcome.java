package dev.coppice.probe;

/**
 * Whether one assertion held.
 *
 * @param assertion the assertion in words
 * @param passed whether it held
 * @param detail what was found instead; empty when it held
 */
public record AssertionOutcome(Assertion assertion, boolean passed, String detail) {}
