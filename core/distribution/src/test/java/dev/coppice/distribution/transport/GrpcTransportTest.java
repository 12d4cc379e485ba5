package dev.coppice.distribution.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.DistributionOptions;
import dev.coppice.distribution.membership.StaticStrategy;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.TlsSource;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes on loopback, over TLS. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class GrpcTransportTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final DistributionOptions OPTIONS =
            new DistributionOptions(10, 4 << 20, Duration.ofSeconds(1), 1 << 20, Duration.ofMillis(50));

    record Echo(String text, Consumer<String> answer) {}

    record Count(int number) {}

    @TempDir
    Path directory;

    private final List<Kernel> kernels = new ArrayList<>();
    private final List<Integer> counted = new CopyOnWriteArrayList<>();

    @AfterEach
    void stop() {
        kernels.reversed().forEach(Kernel::close);
    }

    private Distribution node(String name, int port, Set<Integer> others, String pki) throws Exception {
        Kernel kernel = Kernel.start();
        kernels.add(kernel);
        TlsSource tls =
                CertificateAuthority.open(kernel, directory.resolve(pki)).peer(List.of("127.0.0.1"));
        GrpcTransport transport = new GrpcTransport(
                kernel,
                tls,
                new Heartbeats(Duration.ofSeconds(1), 10),
                kernel.root().executor("closing", 2));
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("peer", new InetSocketAddress("127.0.0.1", port), tls, 4 << 20, 100),
                transport.services(),
                List.of());
        var _ = kernel.root().start(ChildSpec.service("peer", () -> listener));
        Distribution made = Distribution.start(
                kernel,
                kernel.root(),
                name,
                transport,
                new StaticStrategy(others.stream()
                        .map(each -> InetSocketAddress.createUnresolved("127.0.0.1", each))
                        .collect(java.util.stream.Collectors.toSet())),
                OPTIONS);
        made.types().register(Echo.class, Count.class);
        return made;
    }

    private final class Worker implements Behavior<Object> {
        @Override
        public void handle(ProcessContext<Object> self, Object message) {
            switch (message) {
                case Echo echo -> echo.answer.accept(echo.text);
                case Count count -> counted.add(count.number);
                default -> throw new IllegalArgumentException();
            }
        }
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not come true within 20 s");
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    @Test
    void processesOfTwoNodesTalkOverTls() throws Exception {
        int first = FreePorts.next();
        int second = FreePorts.next();
        Distribution a = node("a", first, Set.of(first, second), "pki");
        Distribution b = node("b", second, Set.of(first, second), "pki");
        await(() -> a.nodes().size() == 1 && b.nodes().size() == 1);
        ProcessRef<Object> worker = kernels.get(1).root().startProcess(ChildSpec.process("worker", Worker::new));
        assertThat(b.names().register("worker", worker, SOON)).isTrue();
        await(() -> a.names().find("worker").isPresent());
        ProcessRef<Object> far = a.names().via("worker");
        String large = "x".repeat(900_000);
        assertThat(far.<String>call(answer -> new Echo(large, answer), SOON)).isEqualTo(large);
        for (int i = 0; i < 2_000; i++) {
            far.cast(new Count(i));
            if (i % 500 == 0) {
                far.<String>call(answer -> new Echo("sync", answer), SOON);
            }
        }
        await(() -> counted.size() == 2_000);
        assertThat(counted).isSorted();
        List<String> log = new CopyOnWriteArrayList<>();
        far.monitor(down -> log.add(down.reason().getClass().getSimpleName()));
        far.<String>call(answer -> new Echo("sync", answer), SOON);
        kernels.removeLast().close();
        await(() -> log.size() == 1);
        // The process is stopped with its node: whichever is heard of first.
        assertThat(log.getFirst())
                .isIn(ExitReason.NoConnection.class.getSimpleName(), ExitReason.Shutdown.class.getSimpleName());
        await(() -> a.nodes().isEmpty());
    }

    @Test
    void nodesOfAnotherAuthorityAreRefused() throws Exception {
        int first = FreePorts.next();
        int second = FreePorts.next();
        Distribution a = node("a", first, Set.of(second), "pki");
        Distribution b = node("b", second, Set.of(first), "other");
        await(() -> a.members().stream().anyMatch(each -> !each.problem().isEmpty())
                && b.members().stream().anyMatch(each -> !each.problem().isEmpty()));
        assertThat(a.nodes()).isEmpty();
        assertThat(b.nodes()).isEmpty();
    }

    @Test
    void heartbeatsAreChecked() {
        assertThatThrownBy(() -> new Heartbeats(Duration.ZERO, 1)).hasMessageContaining("expected more than nothing");
    }
}
