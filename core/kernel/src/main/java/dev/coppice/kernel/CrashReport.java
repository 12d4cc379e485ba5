package dev.coppice.kernel;

import java.time.Instant;

/** One crash of a child: when, which, why. */
public record CrashReport(Instant at, String path, ExitReason reason) {}
