package dev.coppice.distribution.membership;

import dev.coppice.kernel.Clock;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Strategies as they are written in options: {@code static:HOST:PORT,…}, {@code dns:NAME:PORT},
 * {@code kubernetes:NAMESPACE/SERVICE:PORT}, {@code directory:PATH}, {@code s3:BUCKET/PREFIX}, {@code gossip:HOST:PORT,…}.
 */
public final class Strategies {
    private static final Duration STALE = Duration.ofSeconds(60);
    private static final String EXPECTED =
            "expected static:HOST:PORT,…, dns:NAME:PORT, kubernetes:NAMESPACE/SERVICE:PORT,"
                    + " directory:PATH, s3:BUCKET/PREFIX or gossip:HOST:PORT,…";

    private Strategies() {}

    /**
     * Reads one.
     *
     * @param name of this node
     * @param own where others reach it
     * @throws IllegalArgumentException telling what was expected
     */
    public static Strategy parse(String text, Clock clock, String name, InetSocketAddress own) {
        int colon = text.indexOf(':');
        String sort = colon < 0 ? text : text.substring(0, colon);
        String rest = colon < 0 ? "" : text.substring(colon + 1);
        return switch (sort) {
            case "static" -> new StaticStrategy(list(text, rest));
            case "gossip" -> new GossipStrategy(list(text, rest), own, clock);
            case "dns" -> {
                InetSocketAddress where = one(text, rest);
                yield new DnsStrategy(where.getHostString(), where.getPort());
            }
            case "kubernetes" -> {
                int slash = rest.indexOf('/');
                InetSocketAddress service = one(text, slash < 1 ? "" : rest.substring(slash + 1));
                yield KubernetesStrategy.inPod(rest.substring(0, slash), service.getHostString(), service.getPort());
            }
            case "directory" -> {
                if (rest.isEmpty()) {
                    throw wrong(text);
                }
                yield new DirectoryStrategy(clock, Path.of(rest), name, own, STALE);
            }
            case "s3" -> S3Strategy.of(rest, System.getenv(), clock, name, own, STALE);
            default -> throw wrong(text);
        };
    }

    private static Set<InetSocketAddress> list(String text, String rest) {
        Set<InetSocketAddress> found = new LinkedHashSet<>();
        for (String each : rest.split(",", -1)) {
            found.add(one(text, each.strip()));
        }
        return found;
    }

    private static InetSocketAddress one(String text, String address) {
        Optional<InetSocketAddress> parsed = Addresses.parse(address);
        return parsed.orElseThrow(() -> wrong(text));
    }

    private static IllegalArgumentException wrong(String text) {
        return new IllegalArgumentException("\"" + text + "\" is no way to find nodes: " + EXPECTED);
    }
}
