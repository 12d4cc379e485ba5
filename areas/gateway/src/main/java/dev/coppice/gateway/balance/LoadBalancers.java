package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.provider.Providers;
import java.lang.System.Logger.Level;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The load balancers that there are, by name. Safe for use by many threads. */
public final class LoadBalancers {
    private static final System.Logger LOG = System.getLogger(LoadBalancers.class.getName());
    private static final Map<String, LoadBalancerFactory> ALL = all();

    private LoadBalancers() {}

    /** One that comes with the gateway. */
    private record Own(
            String name, boolean hashes, boolean latencies, BiFunction<Endpoints, BalanceConfig, LoadBalancer> make)
            implements LoadBalancerFactory {
        @Override
        public LoadBalancer create(Endpoints endpoints, BalanceConfig config) {
            return make.apply(endpoints, config);
        }
    }

    private static Map<String, LoadBalancerFactory> all() {
        Map<String, LoadBalancerFactory> all = new TreeMap<>();
        for (LoadBalancerFactory each : new Own[] {
            new Own("RoundRobin", false, false, (endpoints, _) -> new RoundRobin(endpoints)),
            new Own("Random", false, false, (endpoints, _) -> new Lottery(endpoints)),
            new Own(
                    "LeastRequest",
                    false,
                    false,
                    (endpoints, config) -> LeastLoaded.requests(endpoints, config.choices())),
            new Own(
                    "PeakEwma",
                    false,
                    true,
                    (endpoints, config) -> LeastLoaded.latencies(endpoints, config.choices(), config.decayNanos())),
            new Own(
                    "RingHash",
                    true,
                    false,
                    (endpoints, config) -> bounded(new RingHash(endpoints, config.tableSize()), endpoints, config)),
            new Own(
                    "Maglev",
                    true,
                    false,
                    (endpoints, config) -> bounded(new Maglev(endpoints, config.tableSize()), endpoints, config))
        }) {
            all.put(each.name(), each);
        }
        // None of these can be replaced: what a name means does not depend on what else is installed.
        for (LoadBalancerFactory each : Providers.of(LoadBalancerFactory.class)) {
            try {
                all.putIfAbsent(each.name(), each);
            } catch (RuntimeException | LinkageError e) {
                LOG.log(Level.WARNING, "a load balancer of an extension has no name, and cannot be used", e);
            }
        }
        return Collections.unmodifiableMap(all);
    }

    private static LoadBalancer bounded(HashTable table, Endpoints endpoints, BalanceConfig config) {
        return config.balanceFactorPercent() == 0
                ? table
                : new BoundedLoads(table, endpoints, config.balanceFactorPercent());
    }

    /** The one of a name; null when there is none. */
    public static @Nullable LoadBalancerFactory named(String name) {
        return ALL.get(name);
    }

    /** All names, in order. */
    public static Collection<String> names() {
        return ALL.keySet();
    }
}
