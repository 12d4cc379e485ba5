package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import org.jspecify.annotations.Nullable;

/** Bounds of what goes to a Service at one time; what is not given has none. */
@Description("Bounds of what goes to a Service at one time; what is not given has none.")
public record UpstreamLimitsSpec(
        @Minimum(1)
        @Maximum(1_000_000)
        @Description("Connections to all of its endpoints; each event loop may have one to each endpoint in any case.")
        @Nullable
        Integer maxConnections,

        @Minimum(0) @Maximum(1_000_000) @Description("Requests that wait for a connection.") @Nullable
        Integer maxPendingRequests,

        @Minimum(1) @Maximum(1_000_000) @Description("Requests on their way, WebSockets included.") @Nullable
        Integer maxParallelRequests,

        @Minimum(0) @Maximum(1_000_000) @Description("Retries among these.") @Nullable
        Integer maxParallelRetries,

        @Minimum(1) @Maximum(1_000_000) @Description("Requests after which a connection is closed.") @Nullable
        Integer maxRequestsPerConnection) {}
