package dev.coppice.health.migration;

import dev.coppice.probe.ProbeSpec;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A check on its way from another tool's words to ours.
 *
 * @param name any text; it becomes a resource name
 * @param place where it stood, for findings
 * @param probe null for a heartbeat
 * @param minCertificateDays for HTTPS
 * @param failureThreshold null leaves the default
 * @param paused whether it was switched off
 */
record Draft(
        String name,
        String place,
        @Nullable String group,
        Map<String, String> labels,
        @Nullable ProbeSpec probe,
        @Nullable Duration interval,
        @Nullable Duration timeout,
        @Nullable Integer minCertificateDays,
        @Nullable Integer failureThreshold,
        @Nullable Integer successThreshold,
        boolean paused) {}
