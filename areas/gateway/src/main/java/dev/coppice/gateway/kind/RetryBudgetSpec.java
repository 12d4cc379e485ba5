package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** How many of the requests to a Service may be retries (GEP-3388). */
@Rule(
        value = "duration(self.interval) >= duration('1s') && duration(self.interval) <= duration('1h')",
        message = "interval must be 1s to 1h")
@Description("How many of the requests to a Service may be retries.")
public record RetryBudgetSpec(
        @Minimum(0)
        @Maximum(100)
        @Default("20")
        @Description("Percent of the requests of the interval, retries included.")
        int percent,

        @GatewayDuration @Default("\"10s\"") @Description("The time whose requests are counted; 1s to 1h.")
        String interval,

        @Description("Retries that may be whatever share that is; by default 10 in 1s.") @Nullable
        Rate minRetryRate) {

    /** So many in a time. */
    @Rule(
            value = "duration(self.interval) >= duration('1s') && duration(self.interval) <= duration('1h')",
            message = "interval must be 1s to 1h")
    @Description("So many in a time.")
    public record Rate(
            @Minimum(0) @Maximum(500_000) @Default("10") @Description("How many.")
            int count,

            @GatewayDuration @Default("\"1s\"") @Description("In which time; 1s to 1h.")
            String interval) {}
}
