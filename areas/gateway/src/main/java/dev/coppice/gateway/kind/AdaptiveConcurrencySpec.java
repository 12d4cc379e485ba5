package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Rule;

/** Lets fewer requests wait for a Service when its answers take longer than with little load. */
@Rule(value = "self.maximum >= self.minimum", message = "maximum must be minimum or more")
@Rule(
        value =
                "duration(self.minLatencyInterval) >= duration('1s') && duration(self.minLatencyInterval) <= duration('1h')",
        message = "minLatencyInterval must be 1s to 1h")
@Description("Lets fewer requests wait for a Service when its answers take longer than with little load.")
public record AdaptiveConcurrencySpec(
        @Minimum(1) @Maximum(100_000) @Default("5") @Description("Requests that may always wait for it at one time.")
        int minimum,

        @Minimum(1) @Maximum(100_000) @Default("1000") @Description("Requests that may wait for it at most.")
        int maximum,

        @Minimum(100)
        @Maximum(1000)
        @Default("150")
        @Description("From how many percent of the least latency on answers take too long.")
        int tolerancePercent,

        @GatewayDuration
        @Default("\"1m\"")
        @Description(
                "After which time the least latency is measured anew, if it was not reached again; while requests are refused that takes a moment with as few requests as the minimum. 1s to 1h.")
        String minLatencyInterval) {}
