package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** When a Service gets no requests, since it fails or is slow. */
@Rule(
        value = "!(has(self.window) && has(self.windowRequests))",
        message = "window and windowRequests may not both be given: the window is a time, or a number of requests")
@Rule(
        value =
                "!has(self.window) || duration(self.window) >= duration('1s') && duration(self.window) <= duration('1h')",
        message = "window must be 1s to 1h")
@Rule(value = "has(self.slowAfter) || !has(self.slowPercent)", message = "slowPercent may be given with slowAfter only")
@Rule(
        value =
                "!has(self.slowAfter) || duration(self.slowAfter) >= duration('1ms') && duration(self.slowAfter) <= duration('1h')",
        message = "slowAfter must be 1ms to 1h")
@Rule(
        value = "duration(self.openTime) >= duration('100ms') && duration(self.openTime) <= duration('1h')",
        message = "openTime must be 100ms to 1h")
@Rule(
        value =
                "duration(self.maxOpenTime) >= duration(self.openTime) && duration(self.maxOpenTime) <= duration('24h')",
        message = "maxOpenTime must be openTime to 24h")
@Rule(value = "duration(self.rampTime) <= duration('1h')", message = "rampTime must be 0s to 1h")
@Description("When a Service gets no requests, since it fails or is slow.")
public record CircuitBreakerSpec(
        @Enumeration({"Automatic", "ForcedOpen", "Disabled"})
        @Default("\"Automatic\"")
        @Description(
                "Automatic: what becomes of requests decides. ForcedOpen: the Service gets none. Disabled: it gets all.")
        String mode,

        @GatewayDuration @Description("The time whose requests are looked at; by default 10s. 1s to 1h.") @Nullable
        String window,

        @Minimum(10)
        @Maximum(10_000)
        @Description("Instead of a time: the number of requests that are looked at.")
        @Nullable
        Integer windowRequests,

        @Minimum(1) @Maximum(4000) @Default("20") @Description("Among fewer requests nothing is concluded.")
        int minimumRequests,

        @Minimum(0)
        @Maximum(100)
        @Default("50")
        @Description("It opens when this many percent of the requests failed; 0: failures do not matter.")
        int failurePercent,

        @ListType("set")
        @Length(max = 32)
        @Default("[500, 502, 503, 504]")
        @Description(
                "Statuses that are failures; those of gRPC count as the statuses of HTTP that they stand for. A request without an answer always is one.")
        List<@Minimum(100) @Maximum(599) Integer> failureCodes,

        @GatewayDuration
        @Description("From when on a request is slow, to the head of its answer; by default slowness does not matter.")
        @Nullable
        String slowAfter,

        @Minimum(1)
        @Maximum(100)
        @Description("It opens when this many percent of the requests were slow; by default 80.")
        @Nullable
        Integer slowPercent,

        @GatewayDuration
        @Default("\"5s\"")
        @Description(
                "How long the Service gets no requests the first time; twice as long with each further time in a row. 100ms to 1h.")
        String openTime,

        @GatewayDuration @Default("\"1m\"") @Description("How long the Service gets no requests at most; up to 24h.")
        String maxOpenTime,

        @Minimum(1)
        @Maximum(1000)
        @Default("5")
        @Description("With so many requests it is then found out whether the Service is well.")
        int trialRequests,

        @GatewayDuration
        @Default("\"10s\"")
        @Description(
                "In which time the share of requests that it gets then grows to all of them; 0s: at once. Up to 1h.")
        String rampTime) {}
