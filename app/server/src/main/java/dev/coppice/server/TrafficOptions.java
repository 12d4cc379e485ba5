package dev.coppice.server;

import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.mesh.AddressRange;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is chosen for the gateway's traffic, in a node or in a process of its own.
 *
 * @param addresses IP addresses of this machine that Gateways get; empty for loopback addresses
 * @param zone the zone of this machine, whose endpoints may be preferred; empty when nobody knows
 * @param geography files that say where addresses are
 * @param files a directory in which each namespace has one with files that routes may serve; null for none
 * @param cacheBytes of the heap for answers that are kept; null for as many as is usual
 * @param serviceRange addresses that Services get, in CIDR notation; empty: they get none
 * @param everyNode whether each node of a cluster serves traffic, at its own addresses, or the one that leads
 */
public record TrafficOptions(
        List<String> addresses,
        String zone,
        List<Path> geography,
        @Nullable Path files,
        @Nullable Long cacheBytes,
        String serviceRange,
        boolean everyNode) {
    public static final TrafficOptions DEFAULT = new TrafficOptions(List.of(), "", List.of(), null, null, "", false);

    public TrafficOptions {
        addresses = List.copyOf(addresses);
        geography = List.copyOf(geography);
    }

    /** All that is wrong with them, in words for people. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        addresses.forEach(each ->
                GatewayOptions.problem(each).ifPresent(problem -> problems.add("--gateway-addresses: " + problem)));
        GatewayOptions.zoneProblem(zone).ifPresent(problem -> problems.add("--gateway-zone: " + problem));
        GatewayOptions.geographyProblems(geography).forEach(problem -> problems.add("--gateway-geography: " + problem));
        if (files != null) {
            GatewayOptions.filesProblem(files).ifPresent(problem -> problems.add("--gateway-files: " + problem));
        }
        if (cacheBytes != null) {
            GatewayOptions.cacheProblem(cacheBytes)
                    .ifPresent(problem -> problems.add("--gateway-cache-bytes: " + problem));
        }
        if (!serviceRange.isEmpty()) {
            List<String> pool = addresses.isEmpty() ? GatewayOptions.DEFAULT.pool() : addresses;
            GatewayOptions.serviceRangeProblem(serviceRange, pool)
                    .ifPresent(problem -> problems.add("--service-cluster-ip-range: " + problem));
        }
        return problems;
    }

    GatewayOptions gateway() {
        return GatewayOptions.of(addresses)
                .withServiceRange(serviceRange.isEmpty() ? null : AddressRange.parse(serviceRange))
                .withZone(zone)
                .withGeography(geography)
                .withFiles(files)
                .withCacheBytes(cacheBytes);
    }
}
