package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.SimulatedClock;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Names outside of the cluster, in simulated time, with a resolver that a test fills. */
class ExternalNamesTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Map<String, List<InetAddress>> known = new HashMap<>();
    private final List<String> asked = new ArrayList<>();
    private final Queue<Runnable> work = new ArrayDeque<>();
    private final AtomicInteger changes = new AtomicInteger();
    private boolean silent;
    private final ControlMetrics metrics = new ControlMetrics(new PrometheusRegistry());
    private final ExternalNames names = new ExternalNames(
            (host, _, _) -> {
                asked.add(host);
                if (silent) {
                    throw new IOException("the name servers did not answer");
                }
                List<InetAddress> found = known.get(host);
                if (found == null) {
                    throw new UnknownHostException("there is no name \"" + host + "\"");
                }
                return found;
            },
            clock,
            work::add,
            metrics,
            changes::incrementAndGet);

    private void has(String host, String... addresses) {
        known.put(host, Stream.of(addresses).map(InetAddress::ofLiteral).toList());
    }

    /** A round that wants these. */
    private void round(String... wanted) {
        names.begin();
        for (String each : wanted) {
            Optional<List<String>> _ = names.addresses(each);
        }
        names.end();
    }

    private void work() {
        while (!work.isEmpty()) {
            work.remove().run();
        }
    }

    private void later() {
        clock.advance(ExternalNames.EVERY);
        names.look();
        work();
    }

    @Test
    void aNameIsLookedUpAtOnceAndAgainWhileItIsWanted() {
        has("a.example", "192.0.2.2", "192.0.2.1");
        round("a.example");
        assertThat(names.addresses("a.example")).isEmpty();
        work();
        assertThat(changes).hasValue(1);
        assertThat(names.addresses("a.example")).contains(List.of("192.0.2.1", "192.0.2.2"));
        names.look();
        work();
        assertThat(asked).hasSize(1);
        // Another order is nothing new.
        has("a.example", "192.0.2.1", "192.0.2.2");
        later();
        assertThat(asked).hasSize(2);
        assertThat(changes).hasValue(1);
        has("a.example", "2001:db8::1");
        later();
        assertThat(changes).hasValue(2);
        assertThat(names.addresses("a.example")).contains(List.of("2001:db8:0:0:0:0:0:1"));
        round();
        later();
        assertThat(asked).hasSize(3);
        assertThat(metrics.names.get()).isZero();
    }

    @Test
    void whatFailsLeavesTheAddressesThatThereWere() {
        has("a.example", "192.0.2.1");
        round("a.example");
        work();
        silent = true;
        later();
        assertThat(names.addresses("a.example")).contains(List.of("192.0.2.1"));
        assertThat(metrics.lookups.labelValues("failed").get()).isEqualTo(1);
        assertThat(changes).hasValue(1);
    }

    @Test
    void oneLookUpOfANameRunsAtATime() {
        has("a.example", "192.0.2.1");
        round("a.example");
        clock.advance(ExternalNames.EVERY.multipliedBy(3));
        names.look();
        names.look();
        assertThat(work).hasSize(1);
    }

    @Test
    void addressesOfThisMachineAndOfMetadataAreLeftOut() {
        has("mixed.example", "127.0.0.1", "169.254.169.254", "0.0.0.0", "192.0.2.1");
        has("local.example", "127.0.0.1", "::1", "fe80::1");
        round("mixed.example", "local.example");
        work();
        assertThat(names.addresses("mixed.example")).contains(List.of("192.0.2.1"));
        assertThat(names.addresses("local.example")).contains(List.of());
        assertThat(metrics.lookups.labelValues("refused").get()).isEqualTo(1);
        // One that is taken over leads nowhere any more.
        has("mixed.example", "127.0.0.1");
        later();
        assertThat(names.addresses("mixed.example")).contains(List.of());
    }

    @Test
    void thereIsABound() {
        for (int i = 0; i < ExternalNames.MOST_NAMES + 5; i++) {
            Optional<List<String>> _ = names.addresses("n" + i + ".example");
        }
        assertThat(work).hasSize(ExternalNames.MOST_NAMES);
        assertThat(metrics.lookups.labelValues("too_many").get()).isEqualTo(5);
    }

    @Test
    void aStoppedExecutorIsNoError() {
        ExternalNames stopped = new ExternalNames(
                (_, _, _) -> List.of(),
                clock,
                _ -> {
                    throw new RejectedExecutionException("stopped");
                },
                new ControlMetrics(new PrometheusRegistry()),
                changes::incrementAndGet);
        assertThat(stopped.addresses("a.example")).isEmpty();
        clock.advance(Duration.ofMinutes(1));
        stopped.look();
    }
}
