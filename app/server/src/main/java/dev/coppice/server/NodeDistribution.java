package dev.coppice.server;

import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.DistributionOptions;
import dev.coppice.distribution.membership.StaticStrategy;
import dev.coppice.distribution.membership.Strategies;
import dev.coppice.distribution.membership.Strategy;
import dev.coppice.distribution.transport.NoTransport;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.store.StoreException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Starts a node's distribution: over the port for nodes in a cluster, and without others on a node that is alone. */
final class NodeDistribution {
    private NodeDistribution() {}

    static Distribution start(Kernel kernel, ServerOptions options, @Nullable NodeCluster nodes) throws StartException {
        if (nodes == null) {
            return Distribution.start(
                    kernel,
                    kernel.root(),
                    options.name(),
                    new NoTransport(),
                    new StaticStrategy(Set.of()),
                    DistributionOptions.DEFAULT);
        }
        String discover = options.cluster().discover();
        Strategy strategy = discover == null
                ? roster(nodes)
                : Strategies.parse(
                        discover,
                        kernel.clock(),
                        options.name(),
                        InetSocketAddress.createUnresolved(nodes.host(), nodes.port()));
        return Distribution.start(
                kernel, kernel.root(), options.name(), nodes.transport(), strategy, DistributionOptions.DEFAULT);
    }

    /** The members of the store, which all nodes know by themselves. */
    private static Strategy roster(NodeCluster nodes) {
        return () -> {
            try {
                return nodes.peers();
            } catch (StoreException e) {
                throw new IOException(e.getMessage(), e);
            }
        };
    }
}
