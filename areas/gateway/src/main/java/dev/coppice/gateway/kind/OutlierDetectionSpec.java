package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** When endpoints are left out for a while because of how they answer requests. */
@Rule(
        value = "duration(self.interval) >= duration('1s') && duration(self.interval) <= duration('10m')",
        message = "interval must be 1s to 10m")
@Rule(
        value =
                "duration(self.baseEjectionTime) >= duration('1s') && duration(self.baseEjectionTime) <= duration(self.maxEjectionTime)",
        message = "baseEjectionTime must be 1s at least, and not longer than maxEjectionTime")
@Rule(value = "duration(self.maxEjectionTime) <= duration('24h')", message = "maxEjectionTime must be 24h at most")
@Description("When endpoints are left out for a while because of how they answer requests.")
public record OutlierDetectionSpec(
        @Minimum(0)
        @Maximum(1000)
        @Default("5")
        @Description("Answers with 5xx, or none at all, one after the other; 0: not looked at.")
        int consecutive5xx,

        @Minimum(0)
        @Maximum(1000)
        @Default("0")
        @Description("Answers with 502, 503 or 504, or none at all, one after the other; 0: not looked at.")
        int consecutiveGatewayFailures,

        @Description("Success rates that are far below those of the other endpoints.") @Nullable
        SuccessRate successRate,

        @GatewayDuration @Default("\"10s\"") @Description("Between two looks at success rates; 1s to 10m.")
        String interval,

        @GatewayDuration
        @Default("\"30s\"")
        @Description("How long an endpoint is left out the first time; twice as long the second, and so on.")
        String baseEjectionTime,

        @GatewayDuration @Default("\"5m\"") @Description("How long at most.")
        String maxEjectionTime,

        @Minimum(1)
        @Maximum(100)
        @Default("10")
        @Description(
                "How many percent of the endpoints may be left out at one time; one at least, where there are several.")
        int maxEjectionPercent) {

    /** Success rates that are far below those of the other endpoints. */
    @Description("Success rates that are far below those of the other endpoints.")
    public record SuccessRate(
            @Minimum(3)
            @Maximum(1000)
            @Default("5")
            @Description("Endpoints with enough requests that there have to be.")
            int minimumEndpoints,

            @Minimum(1)
            @Maximum(1_000_000)
            @Default("100")
            @Description("Requests within the interval that an endpoint needs to be compared.")
            int requestVolume,

            @Minimum(100)
            @Maximum(1000)
            @Default("190")
            @Description("How far below the mean is far, in percent of a standard deviation.")
            int stdevFactorPercent) {}
}
