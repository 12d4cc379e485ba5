package dev.coppice.gateway;

import dev.coppice.control.storage.Sealer;
import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.control.SavedConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.proxy.ProxyDataPlane;
import dev.coppice.gateway.proxy.ProxyOptions;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.gateway.tap.Taps;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The traffic of a process: its data plane, what that serves, and a copy of it on disk. From the moment it is open it serves what was saved
 * last, whether or not anybody controls it. Safe for use by many threads.
 */
public final class Traffic implements DataPlane {
    private static final System.Logger LOG = System.getLogger(Traffic.class.getName());

    /** The first listener is served so much later at most. */
    private static final Duration WARM_UP = Duration.ofSeconds(3);

    private static final Duration BIND_AGAIN = Duration.ofSeconds(2);

    /** Makes what serves the traffic. */
    @FunctionalInterface
    public interface DataPlaneFactory {
        /**
         * Starts a data plane that serves nothing yet.
         *
         * @param supervisor for everything that it runs; it ends with this
         * @param directory for its files
         */
        DataPlane open(Kernel kernel, Supervisor supervisor, Path directory) throws Exception;
    }

    private final DataPlane plane;
    private final SavedConfig saved;
    private volatile GatewayConfig served = GatewayConfig.EMPTY;
    private volatile Set<Binding> unbound = Set.of();

    private Traffic(DataPlane plane, SavedConfig saved) {
        this.plane = plane;
        this.saved = saved;
    }

    /**
     * Serves what was saved in a directory.
     *
     * @param supervisor for everything that it runs; it ends with this
     * @param directory for its files: {@code config.json}, sealed by the key in {@code encryption-keys}, {@code access.log}, and {@code ended-sessions}
     */
    public static Traffic open(Kernel kernel, Supervisor supervisor, Path directory, DataPlaneFactory factory)
            throws Exception {
        SavedConfig saved = new SavedConfig(directory.resolve("config.json"), Sealer.open(kernel, directory));
        Traffic traffic = new Traffic(factory.open(kernel, supervisor, directory), saved);
        saved.read().ifPresent(traffic::begin);
        Supervisor.Child _ =
                supervisor.start(ChildSpec.periodic("binding", BIND_AGAIN, Duration.ZERO, traffic::bindAgain));
        return traffic;
    }

    /** A copy that another version wrote may lack what this one needs. */
    private void begin(GatewayConfig config) {
        try {
            apply(config).forEach((binding, why) -> LOG.log(Level.WARNING, binding + " is not served yet: " + why));
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "what was served before is not served until the resources have been read", e);
        }
    }

    /** With the data plane of this version. */
    public static Traffic open(Kernel kernel, Supervisor supervisor, Path directory, GatewayOptions options)
            throws Exception {
        return open(kernel, supervisor, directory, proxy(options));
    }

    static DataPlaneFactory proxy(GatewayOptions options) {
        Long cacheBytes = options.cacheBytes();
        ProxyOptions usual =
                ProxyOptions.DEFAULT.withGeography(options.geography()).withLimitSecret(options.limitSecret());
        ProxyOptions bounded = cacheBytes == null ? usual : usual.withMaxCacheBytes(cacheBytes);
        return (kernel, supervisor, directory) -> new WarmedDataPlane(
                new ProxyDataPlane(
                        kernel,
                        supervisor,
                        bounded.withAccessLog(directory.resolve("access.log"))
                                .withEndedSessions(directory.resolve("ended-sessions"))),
                kernel,
                supervisor,
                WARM_UP);
    }

    /** What is served now, or would be if all addresses could be bound. */
    public GatewayConfig served() {
        return served;
    }

    /** The copy on disk. */
    public SavedConfig saved() {
        return saved;
    }

    /** Addresses that could not be bound, such as those that another process still has. */
    public Set<Binding> unbound() {
        Set<Binding> all = new HashSet<>(unbound);
        all.addAll(plane.lost());
        return Set.copyOf(all);
    }

    @Override
    public synchronized Map<Binding, String> apply(GatewayConfig config) {
        Map<Binding, String> failures = plane.apply(config);
        served = config;
        unbound = Set.copyOf(failures.keySet());
        return failures;
    }

    /** Whether or not anybody controls it, and hears of it. */
    private synchronized void bindAgain() {
        if (!unbound().isEmpty()) {
            unbound = Set.copyOf(plane.apply(served).keySet());
        }
    }

    @Override
    public void drain(Duration limit) throws InterruptedException {
        synchronized (this) {
            unbound = Set.of();
        }
        plane.drain(limit);
    }

    @Override
    public Set<Binding> lost() {
        return plane.lost();
    }

    @Override
    public List<UpstreamReading> upstreams() {
        return plane.upstreams();
    }

    @Override
    public Map<String, FunctionReading> functions() {
        return plane.functions();
    }

    @Override
    public void whenFunctionsChange(Runnable then) {
        plane.whenFunctionsChange(then);
    }

    @Override
    public Map<String, String> troubles(String upstream) {
        return plane.troubles(upstream);
    }

    @Override
    public @Nullable Taps taps() {
        return plane.taps();
    }

    @Override
    public @Nullable LimitSharing limitSharing() {
        return plane.limitSharing();
    }

    @Override
    public @Nullable SessionEnds sessionEnds() {
        return plane.sessionEnds();
    }

    @Override
    public void close() {
        plane.close();
    }
}
