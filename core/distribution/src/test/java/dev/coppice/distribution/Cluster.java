package dev.coppice.distribution;

import dev.coppice.distribution.membership.StaticStrategy;
import dev.coppice.kernel.Kernel;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Nodes with kernels of their own, connected in this process. */
final class Cluster implements AutoCloseable {
    static final Duration SOON = Duration.ofSeconds(10);
    private static final DistributionOptions OPTIONS =
            new DistributionOptions(100, 1 << 20, Duration.ofMillis(200), 1 << 20, Duration.ZERO);

    final MemoryNetwork network = new MemoryNetwork();
    final List<Node> nodes = new ArrayList<>();
    private final Class<?>[] types;

    /** One of them, which can be stopped and started again. */
    final class Node {
        final int number;
        final InetSocketAddress address;

        @Nullable
        Kernel kernel;

        @Nullable
        Distribution distribution;

        Node(int number) {
            this.number = number;
            this.address = MemoryNetwork.address(number);
        }

        void start() throws Exception {
            Kernel made = Kernel.start();
            kernel = made;
            Set<InetSocketAddress> all = new LinkedHashSet<>();
            for (int i = 0; i < size; i++) {
                all.add(MemoryNetwork.address(i));
            }
            Distribution started = Distribution.start(
                    made, made.root(), "node" + number, network.transport(address), new StaticStrategy(all), OPTIONS);
            started.types().register(types);
            distribution = started;
        }

        Kernel kernel() {
            Kernel running = kernel;
            if (running == null) {
                throw new IllegalStateException("the node is stopped");
            }
            return running;
        }

        Distribution distribution() {
            Distribution running = distribution;
            if (running == null) {
                throw new IllegalStateException("the node is stopped");
            }
            return running;
        }

        void stop() {
            if (kernel != null) {
                kernel.close();
            }
            kernel = null;
            distribution = null;
        }
    }

    private final int size;

    Cluster(int size, Class<?>... types) throws Exception {
        this.size = size;
        this.types = types;
        for (int i = 0; i < size; i++) {
            Node made = new Node(i);
            nodes.add(made);
            made.start();
        }
        awaitConnected(size - 1);
    }

    Node node(int number) {
        return nodes.get(number);
    }

    void awaitConnected(int others) {
        await(() -> {
            for (Node each : nodes) {
                if (each.distribution != null) {
                    each.distribution.discover();
                    if (each.distribution.nodes().size() != others) {
                        return false;
                    }
                }
            }
            return true;
        });
    }

    static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not come true within 60 s");
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    void isolate(Node node) {
        nodes.stream().filter(each -> each != node).forEach(each -> network.cut(node.address, each.address));
    }

    void heal() {
        network.heal();
        awaitConnected(size - 1);
    }

    @Override
    public void close() {
        nodes.forEach(Node::stop);
    }
}
