package dev.coppice.distribution;

import dev.coppice.distribution.membership.Strategy;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Task;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;

/** Asks the strategy who there is; when it cannot tell, what it told last goes on to hold. */
final class Discovery implements Task {
    private static final System.Logger LOG = System.getLogger(Discovery.class.getName());

    private final Strategy strategy;
    private final Mesh mesh;
    private final io.prometheus.metrics.core.metrics.Counter failures;
    private boolean failing;

    Discovery(Kernel kernel, Strategy strategy, Mesh mesh) {
        this.strategy = strategy;
        this.mesh = mesh;
        this.failures = io.prometheus.metrics.core.metrics.Counter.builder()
                .name("coppice_distribution_discovery_failures")
                .help("How often it could not be found out which nodes there are.")
                .register(kernel.metrics());
    }

    Duration interval() {
        return strategy.interval();
    }

    @Override
    public synchronized void run() {
        try {
            Set<InetSocketAddress> found = strategy.discover();
            failing = false;
            mesh.want(found);
        } catch (IOException | RuntimeException e) {
            failures.inc();
            if (!failing) {
                LOG.log(System.Logger.Level.WARNING, "it is not known which nodes there are: {0}", e.getMessage());
            }
            failing = true;
        }
    }
}
