package dev.coppice.gateway;

import dev.coppice.gateway.file.DirectoryTree;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.mesh.AddressRange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an operator chooses for the gateway. Immutable.
 *
 * @param pool IP addresses of this machine that Gateways get, the first first. Gateways may also ask for loopback addresses, and for
 *     no others
 * @param zone where this machine is, as EndpointSlices name zones; empty when nobody knows
 * @param geography files that say where addresses are, in MaxMind's DB format; the first that knows something of an address counts
 * @param files a directory in which each namespace has one with files that routes may serve; null: they may serve none
 * @param cacheBytes of the heap for answers that are kept; null: an eighth of it
 * @param limitSecret which all gateways have that share rate limits, and nobody else; null: this one shares none
 * @param serviceRange addresses that Services get, at which they are served; null: none is
 */
public record GatewayOptions(
        List<String> pool,
        String zone,
        List<Path> geography,
        @Nullable Path files,
        @Nullable Long cacheBytes,
        @Nullable KeySecret limitSecret,
        @Nullable AddressRange serviceRange) {
    private static final int MOST_DATABASES = 4;
    private static final long LEAST_CACHE_BYTES = 1 << 20;
    private static final Pattern ZONE = Pattern.compile("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?");

    /** Loopback only: nobody beyond this machine reaches a Gateway unless the operator says otherwise. */
    public static final GatewayOptions DEFAULT = new GatewayOptions(loopback());

    public GatewayOptions {
        pool = List.copyOf(pool);
        geography = List.copyOf(geography);
        pool.forEach(each -> problem(each).ifPresent(problem -> {
            throw new IllegalArgumentException(problem);
        }));
        zoneProblem(zone).ifPresent(problem -> {
            throw new IllegalArgumentException(problem);
        });
        if (serviceRange != null) {
            serviceRangeProblem(serviceRange.toString(), pool).ifPresent(problem -> {
                throw new IllegalArgumentException(problem);
            });
        }
    }

    /** In no zone. */
    public GatewayOptions(List<String> pool) {
        this(pool, "", List.of(), null, null, null, null);
    }

    public GatewayOptions withZone(String zone) {
        return new GatewayOptions(pool, zone, geography, files, cacheBytes, limitSecret, serviceRange);
    }

    public GatewayOptions withGeography(List<Path> geography) {
        return new GatewayOptions(pool, zone, geography, files, cacheBytes, limitSecret, serviceRange);
    }

    /** With files that routes may serve. */
    public GatewayOptions withFiles(@Nullable Path files) {
        return new GatewayOptions(
                pool,
                zone,
                geography,
                files == null ? null : files.toAbsolutePath().normalize(),
                cacheBytes,
                limitSecret,
                serviceRange);
    }

    /** @param cacheBytes null: as many as is usual */
    public GatewayOptions withCacheBytes(@Nullable Long cacheBytes) {
        return new GatewayOptions(pool, zone, geography, files, cacheBytes, limitSecret, serviceRange);
    }

    /** Why so many bytes cannot be for answers that are kept; empty when they can. */
    public static Optional<String> cacheProblem(long bytes) {
        // The other half is for all else that the process does.
        long most = Runtime.getRuntime().maxMemory() / 2;
        return bytes >= LEAST_CACHE_BYTES && bytes <= most
                ? Optional.empty()
                : Optional.of(bytes + ": expected " + LEAST_CACHE_BYTES + " (1 MiB) to " + most
                        + ", half of the heap; caches themselves are turned off by policies");
    }

    /** Sharing rate limits with those that have the same secret. */
    public GatewayOptions withLimitSecret(@Nullable KeySecret limitSecret) {
        return new GatewayOptions(pool, zone, geography, files, cacheBytes, limitSecret, serviceRange);
    }

    /** Serving Services, at addresses of this range. */
    public GatewayOptions withServiceRange(@Nullable AddressRange serviceRange) {
        return new GatewayOptions(pool, zone, geography, files, cacheBytes, limitSecret, serviceRange);
    }

    /**
     * Why Services cannot have addresses of a range; empty when they can.
     *
     * @param pool addresses that Gateways get
     */
    public static Optional<String> serviceRangeProblem(String range, List<String> pool) {
        Optional<String> problem = AddressRange.problem(range);
        if (problem.isPresent()) {
            return problem;
        }
        if (!linux()) {
            return Optional.of("\"" + range + "\": this system answers at 127.0.0.1 alone; expected Linux");
        }
        AddressRange parsed = AddressRange.parse(range);
        return pool.stream()
                .filter(parsed::contains)
                .findFirst()
                .map(each -> "\"" + range + "\": Gateways may get " + each
                        + ", which is in this range; expected a range without addresses of Gateways");
    }

    /** Why a directory cannot have files that routes serve; empty when it can. */
    public static Optional<String> filesProblem(Path directory) {
        try {
            return DirectoryTree.supported(directory)
                    ? Optional.empty()
                    : Optional.of(
                            "\"" + directory + "\": on this system files cannot be opened so that links lead nowhere;"
                                    + " expected Linux");
        } catch (IOException e) {
            return Optional.of("\"" + directory + "\": expected a directory that can be read");
        }
    }

    /** Why files cannot say where addresses are; empty when nothing is known against them. */
    public static List<String> geographyProblems(List<Path> files) {
        List<String> problems = new ArrayList<>();
        if (files.size() > MOST_DATABASES) {
            problems.add(files.size() + " files: expected " + MOST_DATABASES + " at most");
        }
        for (Path each : files) {
            if (!Files.isRegularFile(each) || !Files.isReadable(each)) {
                problems.add(
                        "\"" + each + "\": expected a file that can be read, a database in MaxMind's format (.mmdb)");
            }
        }
        return problems;
    }

    /** Why something cannot be a zone; empty when it can. */
    public static Optional<String> zoneProblem(String zone) {
        return ZONE.matcher(zone).matches()
                ? Optional.empty()
                : Optional.of("\"" + zone + "\": expected the name of a zone, such as zone-a: up to 63 letters, digits,"
                        + " '-', '_' and '.', with a letter or digit at both ends");
    }

    /** With these addresses; the default when there are none. */
    public static GatewayOptions of(List<String> pool) {
        return pool.isEmpty() ? DEFAULT : new GatewayOptions(pool);
    }

    /** Why an address cannot be in the pool; empty when it can. */
    public static Optional<String> problem(String address) {
        try {
            InetAddress parsed = InetAddress.ofLiteral(address);
            return known(parsed)
                    ? Optional.empty()
                    : Optional.of("this machine does not have the address \"" + address + "\"; see `ip address`");
        } catch (IllegalArgumentException | SocketException e) {
            return Optional.of("\"" + address + "\": expected an IP address of this machine, such as 192.0.2.1");
        }
    }

    private static boolean known(InetAddress address) throws SocketException {
        boolean loopback = linux() && address.isLoopbackAddress() && address.getAddress().length == 4;
        return loopback || address.isAnyLocalAddress() || NetworkInterface.getByInetAddress(address) != null;
    }

    private static boolean linux() {
        return System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux");
    }

    /** Linux answers at all of 127.0.0.0/8; elsewhere only the first has an interface. */
    private static List<String> loopback() {
        List<String> all = new ArrayList<>();
        all.add("127.0.0.1");
        if (linux()) {
            for (int i = 1; i <= 254; i++) {
                all.add("127.0.1." + i);
            }
        }
        return all;
    }

    /** Whether a Gateway may have an address: a loopback address that is not for Services, or one of the pool, which this machine has. */
    public boolean usable(String address) {
        try {
            InetAddress parsed = InetAddress.ofLiteral(address);
            if (!parsed.isLoopbackAddress() && !pool.contains(address)
                    || serviceRange != null && serviceRange.contains(parsed.getHostAddress())) {
                return false;
            }
            return known(parsed);
        } catch (IllegalArgumentException | SocketException e) {
            return false;
        }
    }
}
