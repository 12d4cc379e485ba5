package dev.coppice.cli;

import dev.coppice.server.TrafficOptions;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What {@code coppice up} is told of the gateway's traffic. */
final class GatewayTrafficOptions {
    @Option(
            names = "--gateway-addresses",
            paramLabel = "IP,…",
            split = ",",
            description = "IP addresses of this machine that Gateways get, the first that is free; 0.0.0.0 for all"
                    + " (default: loopback addresses).")
    private List<String> addresses = List.of();

    @Option(
            names = "--gateway-zone",
            paramLabel = "ZONE",
            description =
                    "The zone of this machine, as EndpointSlices name it: Services may want endpoints there to go first.")
    private String zone = "";

    @Option(
            names = "--gateway-geography",
            paramLabel = "FILE,…",
            split = ",",
            description = "Databases in MaxMind's format (.mmdb) that say where clients are; the first that knows"
                    + " something counts. Read again when they change.")
    private List<Path> geography = List.of();

    @Option(
            names = "--gateway-files",
            paramLabel = "DIR",
            description = "A directory in which each namespace has one with files that its routes may serve"
                    + " (default: none may).")
    private @Nullable Path files;

    @Option(
            names = "--gateway-cache-bytes",
            paramLabel = "BYTES",
            description = "Bytes of the heap that answers may take which the gateway keeps, of all its caches together"
                    + " (default: an eighth of the heap).")
    private @Nullable Long cacheBytes;

    @Option(
            names = "--service-cluster-ip-range",
            paramLabel = "CIDR",
            description =
                    "Loopback addresses that Services get, such as 127.96.0.0/16: the gateway serves them there, and routes"
                            + " may have Services as parents (default: they get none).")
    private String serviceRange = "";

    @Option(
            names = "--gateway-on-every-node",
            description =
                    "This node of a cluster serves traffic whether it leads or not, at addresses of its own; give it to all"
                            + " nodes (default: the node that leads serves).")
    private boolean everyNode;

    TrafficOptions options() {
        return new TrafficOptions(addresses, zone, geography, files, cacheBytes, serviceRange, everyNode);
    }
}
