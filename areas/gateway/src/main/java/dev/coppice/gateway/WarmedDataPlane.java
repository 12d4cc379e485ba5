package dev.coppice.gateway;

import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.proxy.WarmUp;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.gateway.tap.Taps;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Warms up before a data plane serves its first listener of HTTP. What goes wrong with that is told to the log, and the listener is served
 * all the same. Safe for use by many threads.
 */
final class WarmedDataPlane implements DataPlane {
    private static final System.Logger LOG = System.getLogger(WarmedDataPlane.class.getName());

    private final DataPlane plane;
    private final Kernel kernel;
    private final Supervisor supervisor;
    private final Duration limit;
    private boolean cold = true;

    /** @param limit for the warm-up; zero: there is none */
    WarmedDataPlane(DataPlane plane, Kernel kernel, Supervisor supervisor, Duration limit) {
        this.plane = plane;
        this.kernel = kernel;
        this.supervisor = supervisor;
        this.limit = limit;
    }

    @Override
    public synchronized Map<Binding, String> apply(GatewayConfig config) {
        if (cold && config.listeners().stream().anyMatch(each -> each.protocol() == ListenerConfig.Protocol.HTTP)) {
            cold = false;
            warmUp(config);
        }
        return plane.apply(config);
    }

    private void warmUp(GatewayConfig config) {
        if (limit.isZero()) {
            return;
        }
        long begin = kernel.clock().nanoTime();
        @Nullable
        TlsConfig tls = config.listeners().stream()
                .filter(each -> each.protocol() == ListenerConfig.Protocol.HTTP)
                .map(ListenerConfig::tls)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
        try {
            long requests = WarmUp.run(kernel, supervisor, tls, limit);
            LOG.log(
                    System.Logger.Level.INFO,
                    "warmed up with {0} requests in {1} ms",
                    requests,
                    (kernel.clock().nanoTime() - begin) / 1_000_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (StartException | RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "the gateway begins without a warm-up", e);
        }
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
    public void drain(Duration limit) throws InterruptedException {
        plane.drain(limit);
    }

    @Override
    public void close() {
        plane.close();
    }
}
