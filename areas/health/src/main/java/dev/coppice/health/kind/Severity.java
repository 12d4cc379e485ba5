package dev.coppice.health.kind;

/** How bad it is when a check fails. */
public enum Severity {
    info,
    warning,
    critical
}
