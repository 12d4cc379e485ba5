package dev.coppice.health.migration;

/**
 * A file to import.
 *
 * @param name shown in findings
 */
public record Source(String name, String text) {}
