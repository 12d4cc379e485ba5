package dev.coppice.gateway.control;

import dev.coppice.kernel.Clock;
import dev.coppice.probe.AddressFamily;
import dev.coppice.probe.AddressPolicy;
import dev.coppice.probe.NameLookup;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of names outside of the cluster (Services of the type ExternalName), each looked up as soon as it is wanted, and again as long
 * as it is. A look-up that fails leaves the addresses that there were. Those of this machine, and of clouds' metadata, are left out: who may
 * write Services could otherwise reach what is meant for this machine only (CVE-2021-25740 is the like of it). Safe for use by many threads.
 */
final class ExternalNames {
    static final Duration EVERY = Duration.ofSeconds(15);
    static final int MOST_NAMES = 1_000;
    static final int MOST_ADDRESSES = 100;

    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final System.Logger LOG = System.getLogger(ExternalNames.class.getName());

    private static final class Entry {
        volatile @Nullable List<String> addresses;
        volatile String told = "";
        volatile boolean running;
        volatile long askedNanos;
    }

    private final NameLookup lookup;
    private final Clock clock;
    private final Executor executor;
    private final ControlMetrics metrics;
    private final Runnable changed;
    private final Map<String, Entry> entries = new ConcurrentHashMap<>();
    private final Set<String> wanted = new HashSet<>();

    /**
     * @param executor for look-ups, which block
     * @param changed called, by any thread, when a name has other addresses
     */
    ExternalNames(NameLookup lookup, Clock clock, Executor executor, ControlMetrics metrics, Runnable changed) {
        this.lookup = lookup;
        this.clock = clock;
        this.executor = executor;
        this.metrics = metrics;
        this.changed = changed;
    }

    /** Begins a round. */
    synchronized void begin() {
        wanted.clear();
    }

    /** Ends a round: what was not asked for is looked up no more. */
    synchronized void end() {
        entries.keySet().retainAll(wanted);
        metrics.names.set(entries.size());
    }

    /** The addresses of a name, sorted; nothing until a look-up has succeeded. */
    synchronized Optional<List<String>> addresses(String name) {
        wanted.add(name);
        Entry known = entries.get(name);
        if (known != null) {
            return Optional.ofNullable(known.addresses);
        }
        if (entries.size() >= MOST_NAMES) {
            metrics.lookups.labelValues("too_many").inc();
            return Optional.empty();
        }
        Entry made = new Entry();
        entries.put(name, made);
        start(name, made);
        return Optional.empty();
    }

    /** Looks up again what was looked up long enough ago. */
    void look() {
        long now = clock.nanoTime();
        entries.forEach((name, entry) -> {
            if (now - entry.askedNanos >= EVERY.toNanos()) {
                start(name, entry);
            }
        });
    }

    private void start(String name, Entry entry) {
        if (entry.running) {
            return;
        }
        entry.running = true;
        entry.askedNanos = clock.nanoTime();
        try {
            executor.execute(() -> {
                try {
                    lookUp(name, entry);
                } finally {
                    entry.running = false;
                }
            });
        } catch (RejectedExecutionException e) {
            // The area is being stopped.
            entry.running = false;
        }
    }

    private void lookUp(String name, Entry entry) {
        List<String> found;
        try {
            List<InetAddress> all = lookup.lookup(name, AddressFamily.PREFER_IPV4, LIMIT);
            found = all.stream()
                    .filter(ExternalNames::elsewhere)
                    .limit(MOST_ADDRESSES)
                    .map(InetAddress::getHostAddress)
                    .sorted()
                    .toList();
            metrics.lookups.labelValues(found.isEmpty() ? "refused" : "found").inc();
            tell(
                    name,
                    entry,
                    found.isEmpty()
                            ? "leads to addresses of this machine or of a cloud's metadata only ("
                                    + String.join(
                                            ", ",
                                            all.stream()
                                                    .map(InetAddress::getHostAddress)
                                                    .toList())
                                    + "), where external names may not lead: give the Service endpoints by an EndpointSlice"
                            : "");
        } catch (IOException e) {
            metrics.lookups.labelValues("failed").inc();
            tell(name, entry, String.valueOf(e.getMessage()));
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        if (!found.equals(entry.addresses)) {
            entry.addresses = found;
            changed.run();
        }
    }

    private static boolean elsewhere(InetAddress address) {
        return !address.isLoopbackAddress()
                && !address.isAnyLocalAddress()
                && AddressPolicy.STRICT.refusal(address) == null;
    }

    /** Once, and again when it is something else. */
    private static void tell(String name, Entry entry, String problem) {
        if (!problem.equals(entry.told)) {
            entry.told = problem;
            if (!problem.isEmpty()) {
                LOG.log(Level.WARNING, "the external name \"" + name + "\": " + problem);
            }
        }
    }
}
