package dev.coppice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.SupervisorOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What traffic does without anybody who controls it, in simulated time. */
class TrafficTest {
    private static final GatewayConfig CONFIG = new GatewayConfig(
            List.of(new ListenerConfig(
                    "default/edge", "http", "127.0.0.1", 80, ListenerConfig.Protocol.HTTP, "", null, List.of())),
            List.of());
    private static final Binding BINDING = new Binding("127.0.0.1", 80);

    @TempDir
    private Path folder;

    private final SimulatedClock clock = new SimulatedClock();
    private final Map<Binding, String> failures = new HashMap<>();
    private final BlockingQueue<GatewayConfig> applied = new LinkedBlockingQueue<>();
    private RuntimeException fault;
    private volatile Set<Binding> lost = Set.of();

    private Traffic open(Kernel kernel, String supervisor) throws Exception {
        return Traffic.open(
                kernel,
                kernel.root().startSupervisor(supervisor, SupervisorOptions.DEFAULT),
                folder,
                (_, _, _) -> new DataPlane() {
                    @Override
                    public Map<Binding, String> apply(GatewayConfig config) {
                        if (fault != null) {
                            throw fault;
                        }
                        lost = Set.of();
                        applied.add(config);
                        return Map.copyOf(failures);
                    }

                    @Override
                    public Set<Binding> lost() {
                        return lost;
                    }
                });
    }

    @Test
    void anAddressThatTheDataPlaneLosesIsTriedAgain() throws Exception {
        try (Kernel kernel = Kernel.start(clock, 1)) {
            Traffic traffic = open(kernel, "only");
            assertThat(traffic.apply(CONFIG)).isEmpty();
            assertThat(clock.awaitPending(1, Duration.ofSeconds(30))).isTrue();
            applied.clear();
            lost = Set.of(BINDING);
            assertThat(traffic.unbound()).containsExactly(BINDING);
            clock.advance(Duration.ofSeconds(3));
            assertThat(applied.poll(30, TimeUnit.SECONDS)).isEqualTo(CONFIG);
            assertThat(clock.awaitPending(1, Duration.ofSeconds(30))).isTrue();
            assertThat(traffic.unbound()).isEmpty();
        }
    }

    @Test
    void anAddressThatCannotBeBoundAtTheStartIsTriedAgain() throws Exception {
        try (Kernel kernel = Kernel.start(clock, 1)) {
            open(kernel, "first").saved().write(CONFIG);
            failures.put(BINDING, "in use");
            Traffic traffic = open(kernel, "second");
            // The first and the second wait.
            assertThat(clock.awaitPending(2, Duration.ofSeconds(30))).isTrue();
            assertThat(applied).isNotEmpty().containsOnly(CONFIG);
            assertThat(traffic.unbound()).containsExactly(BINDING);
            failures.clear();
            applied.clear();
            clock.advance(Duration.ofSeconds(3));
            assertThat(applied.poll(30, TimeUnit.SECONDS)).isEqualTo(CONFIG);
            assertThat(clock.awaitPending(2, Duration.ofSeconds(30))).isTrue();
            assertThat(traffic.unbound()).isEmpty();
            clock.advance(Duration.ofSeconds(3));
            assertThat(clock.awaitPending(2, Duration.ofSeconds(30))).isTrue();
            assertThat(applied).isEmpty();
        }
    }

    @Test
    void aCopyThatCannotBeServedDoesNotKeepItFromStarting() throws Exception {
        try (Kernel kernel = Kernel.start(clock, 1)) {
            open(kernel, "first").saved().write(CONFIG);
            fault = new IllegalStateException("another version wrote it");
            assertThat(open(kernel, "second").served()).isEqualTo(GatewayConfig.EMPTY);
        }
    }
}
