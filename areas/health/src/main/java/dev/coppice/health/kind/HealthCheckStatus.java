package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the target is. Written when something changes and every five minutes; live values are in the metrics. */
@Description(
        "How the target is. Written when something changes and every five minutes or so; live values are in the metrics.")
public record HealthCheckStatus(
        @Description("Unknown, Up, Degraded, Down, Suppressed, Maintenance or Paused.") @Nullable
        String state,

        @Description("Since when it is in this state.") @Nullable
        Instant since,

        @Description("When the state changed last; the same as since.") @Nullable
        Instant lastTransitionTime,

        @Description("Whether it goes up and down all the time.") @Nullable
        Boolean flapping,

        @Description("The last error in words; empty when the last check succeeded.") @Nullable
        String lastError,

        @Description("When the last check ended.") @Nullable Instant lastCheckTime,

        @Description("How long the last check took, such as 12ms.") @Nullable
        String latency,

        @Description("How long successful checks of the last hour took.") @Nullable
        Latencies latencies,

        @Description("The share of successful checks over time.") @Nullable
        Uptime uptime,

        @Description("When the first certificate of the target's chain ends.") @Nullable
        Instant certificateExpiry,

        @Description("The sort of check, such as http.") @Nullable
        String type,

        @Description("What is checked, in short.") @Nullable String target,

        @Description("The generation of the spec that the controller accepted.") @Nullable
        Long observedGeneration,

        @ListMap("type")
        @Description(
                "Ready: accepted and probed at least once, whatever came out. Valid: the spec has no errors."
                        + " Healthy: the target is up. DependenciesResolved: no cycle, nothing missing. Recorded: results reach the disk.")
        List<Condition> conditions) {

    public HealthCheckStatus {
        conditions = Lists.copy(conditions);
    }

    /** Percentiles of the latency, such as 12ms. */
    @Description(
            "Percentiles of the latency of successful checks over the last hour, such as 12ms; right to 5 percent.")
    public record Latencies(
            @Description("Half of the checks took no longer.") @Nullable
            String p50,

            @Description("95 of 100 checks took no longer.") @Nullable
            String p95,

            @Description("99 of 100 checks took no longer.") @Nullable
            String p99) {}

    /** Uptime over several windows, such as 99.95%. */
    @Description("Uptime over several windows, such as 99.95%. Suppressed checks and maintenance do not count.")
    public record Uptime(
            @Description("Over the last hour.") @Nullable String hour,

            @Description("Over the last 24 hours.") @Nullable
            String day,

            @Description("Over the last 7 days.") @Nullable String week,
            @Description("Over the last 30 days.") @Nullable String month) {}
}
