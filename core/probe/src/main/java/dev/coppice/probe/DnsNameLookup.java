package dev.coppice.probe;

import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.Cache;
import org.xbill.DNS.ExtendedResolver;
import org.xbill.DNS.Name;
import org.xbill.DNS.ResolverConfig;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;
import org.xbill.DNS.lookup.LookupResult;
import org.xbill.DNS.lookup.LookupSession;
import org.xbill.DNS.lookup.NoSuchDomainException;
import org.xbill.DNS.lookup.NoSuchRRSetException;

/**
 * Looks names up as the machine is configured to: its hosts file, its name servers and its search list. It never calls the
 * C library's resolver, which would hold a carrier thread for as long as a name server is silent. Answers are kept for a
 * few seconds at most, so that thousands of checks of one host ask once and a change is still seen by the next round.
 */
public final class DnsNameLookup implements NameLookup {
    private static final Duration POSITIVE_LIFE = Duration.ofSeconds(10);
    private static final Duration NEGATIVE_LIFE = Duration.ofSeconds(2);
    private static final Duration CONFIGURATION_LIFE = Duration.ofMinutes(1);
    private static final int ENTRIES_MAX = 10_000;

    private record Key(String host, int type) {}

    private record Known(CompletableFuture<List<InetAddress>> answer, long askedNanos, long[] lifeNanos) {}

    private final Clock clock;
    private final Map<Key, Known> entries = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Known> eldest) {
            return size() > ENTRIES_MAX;
        }
    };
    private @Nullable LookupSession session;
    private long sessionNanos;

    public DnsNameLookup(Clock clock) {
        this.clock = clock;
    }

    @Override
    public List<InetAddress> lookup(String host, AddressFamily family, Duration timeout)
            throws IOException, InterruptedException {
        var name = host.toLowerCase(Locale.ROOT);
        long end = clock.nanoTime() + timeout.toNanos();
        int first = family == AddressFamily.PREFER_IPV6 || family == AddressFamily.ONLY_IPV6 ? Type.AAAA : Type.A;
        boolean both = family == AddressFamily.PREFER_IPV4 || family == AddressFamily.PREFER_IPV6;
        try {
            return await(name, first, end);
        } catch (UnknownHostException e) {
            if (!both) {
                throw e;
            }
            return await(name, first == Type.A ? Type.AAAA : Type.A, end);
        }
    }

    private List<InetAddress> await(String host, int type, long endNanos) throws IOException, InterruptedException {
        if (host.equals("localhost") || host.endsWith(".localhost")) {
            // RFC 6761, section 6.3: these never leave the machine.
            return List.of(InetAddress.ofLiteral(type == Type.A ? "127.0.0.1" : "::1"));
        }
        var answer = ask(new Key(host, type));
        try {
            return answer.get(Math.max(1, endNanos - clock.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new IOException("the name servers did not answer for \"" + host + "\" in time", e);
        } catch (ExecutionException e) {
            throw explain(host, type, e.getCause());
        }
    }

    private static IOException explain(String host, int type, @Nullable Throwable cause) {
        if (cause instanceof NoSuchDomainException) {
            return new UnknownHostException("there is no name \"" + host + "\"");
        }
        if (cause instanceof NoSuchRRSetException) {
            return new UnknownHostException("\"" + host + "\" has no " + Type.string(type) + " record");
        }
        if (cause instanceof IOException io) {
            return new IOException("\"" + host + "\" could not be looked up: " + io.getMessage(), io);
        }
        return new IOException("\"" + host + "\" could not be looked up: " + cause, cause);
    }

    private CompletableFuture<List<InetAddress>> ask(Key key) throws IOException {
        long now = clock.nanoTime();
        synchronized (entries) {
            var known = entries.get(key);
            if (known != null && now - known.askedNanos() < known.lifeNanos()[0]) {
                return known.answer();
            }
            var life = new long[] {POSITIVE_LIFE.toNanos()};
            var answer = session(now)
                    .lookupAsync(absolute(key.host()), key.type())
                    .toCompletableFuture()
                    .thenApply(DnsNameLookup::addresses)
                    .whenComplete((found, error) -> {
                        if (error != null) {
                            life[0] = NEGATIVE_LIFE.toNanos();
                        }
                    });
            entries.put(key, new Known(answer, now, life));
            return answer;
        }
    }

    private static Name absolute(String host) throws UnknownHostException {
        try {
            return Name.fromString(host);
        } catch (TextParseException e) {
            throw new UnknownHostException("\"" + host + "\" is no host name: " + e.getMessage());
        }
    }

    private static List<InetAddress> addresses(LookupResult result) {
        var found = new ArrayList<InetAddress>();
        for (var each : result.getRecords()) {
            switch (each) {
                case ARecord a -> found.add(a.getAddress());
                case AAAARecord a -> found.add(a.getAddress());
                default -> {}
            }
        }
        if (found.isEmpty()) {
            throw new java.util.concurrent.CompletionException(new UnknownHostException("no addresses"));
        }
        return List.copyOf(found);
    }

    private LookupSession session(long now) throws UnknownHostException {
        var current = session;
        if (current == null || now - sessionNanos > CONFIGURATION_LIFE.toNanos()) {
            ResolverConfig.refresh();
            var configuration = ResolverConfig.getCurrentConfig();
            var resolver = new ExtendedResolver();
            resolver.setTimeout(Duration.ofSeconds(2));
            current = LookupSession.builder()
                    .resolver(resolver)
                    .defaultHostsFileParser()
                    .ndots(configuration.ndots())
                    .searchPath(configuration.searchPath())
                    .cache(shortLived())
                    .build();
            session = current;
            sessionNanos = now;
        }
        return current;
    }

    private static Cache shortLived() {
        var cache = new Cache();
        cache.setMaxEntries(1_000);
        cache.setMaxCache((int) POSITIVE_LIFE.toSeconds());
        cache.setMaxNCache((int) NEGATIVE_LIFE.toSeconds());
        return cache;
    }
}
