package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.PreciseHostname;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How endpoints are asked whether they are well. */
@Rule(value = "!has(self.http) || self.type == 'HTTP'", message = "http may be given with the type HTTP only")
@Rule(value = "!has(self.grpc) || self.type == 'GRPC'", message = "grpc may be given with the type GRPC only")
@Rule(
        value = "duration(self.interval) >= duration('1s') && duration(self.interval) <= duration('10m')",
        message = "interval must be 1s to 10m")
@Rule(
        value = "duration(self.timeout) >= duration('50ms') && duration(self.timeout) <= duration(self.interval)",
        message = "timeout must be 50ms at least, and not longer than interval")
@Description("How endpoints are asked whether they are well; those that are not get no requests.")
public record HealthCheckSpec(
        @Enumeration({"HTTP", "TCP", "GRPC"})
        @Default("\"HTTP\"")
        @Description(
                "HTTP: a request. TCP: a connection, with TLS where a BackendTLSPolicy asks for it. GRPC: a call of grpc.health.v1.Health/Check, for ports that speak HTTP/2.")
        String type,

        @Description("The request.") @Nullable HttpCheck http,
        @Description("The call.") @Nullable GrpcCheck grpc,

        @GatewayDuration @Default("\"5s\"") @Description("Time between two checks of an endpoint; 1s to 10m.")
        String interval,

        @Minimum(0)
        @Maximum(50)
        @Default("10")
        @Description("By how many percent the interval is longer or shorter at random.")
        int jitterPercent,

        @GatewayDuration
        @Default("\"1s\"")
        @Description("How long a check may take; 50ms at least, and not longer than interval.")
        String timeout,

        @Minimum(1)
        @Maximum(100)
        @Default("3")
        @Description("Checks that fail one after the other, until an endpoint is unhealthy.")
        int unhealthyThreshold,

        @Minimum(1)
        @Maximum(100)
        @Default("2")
        @Description("Checks that succeed one after the other, until it is healthy again.")
        int healthyThreshold) {

    /** A request. */
    @Description("The request.")
    public record HttpCheck(
            @Length(min = 1, max = 1024)
            @Pattern("^/[!-~]*$")
            @Default("\"/\"")
            @Description("Its path, perhaps with a query.")
            String path,

            @PreciseHostname @Description("Its Host; by default the endpoint's address.") @Nullable
            String host,

            @Enumeration({"GET", "HEAD", "OPTIONS"}) @Default("\"GET\"") @Description("GET, HEAD or OPTIONS.")
            String method,

            @ListType("atomic") @Length(max = 16) @Description("Statuses that are expected; by default 200 to 299.")
            List<Statuses> expectedStatuses) {}

    /** Statuses from one to another. */
    @Rule(value = "self.start <= self.end", message = "start must not be above end")
    @Description("Statuses from one to another, both included.")
    public record Statuses(
            @Required @Minimum(200) @Maximum(599) @Description("The first.")
            int start,

            @Required @Minimum(200) @Maximum(599) @Description("The last.")
            int end) {}

    /** A call. */
    @Description("The call.")
    public record GrpcCheck(
            @Length(max = 127)
            @Pattern("^[A-Za-z0-9_.]*$")
            @Default("\"\"")
            @Description("The service that is asked about; by default the whole server.")
            String service) {}
}
