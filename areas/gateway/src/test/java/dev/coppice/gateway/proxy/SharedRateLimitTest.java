package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.DistributionOptions;
import dev.coppice.distribution.membership.StaticStrategy;
import dev.coppice.distribution.transport.GrpcTransport;
import dev.coppice.distribution.transport.Heartbeats;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.LimitConfig.Algorithm;
import dev.coppice.gateway.config.LimitConfig.KeyPart;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.share.LimitPeers;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.TlsSource;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Limits that three data planes share over the real distribution, seen by their clients. */
@Timeout(120)
class SharedRateLimitTest {
    private static final long HOUR = 3_600_000_000_000L;
    private static final int NODES = 3;
    private static final DistributionOptions OPTIONS =
            new DistributionOptions(10, 4 << 20, Duration.ofSeconds(1), 1 << 20, Duration.ofMillis(50));

    @TempDir
    Path directory;

    private final List<ProxyFixture> proxies = new ArrayList<>();
    private final List<LimitPeers> peers = new ArrayList<>();
    private Backend backend;

    @BeforeEach
    void start() throws Exception {
        backend = Backend.saying("hello");
        Set<Integer> ports = new java.util.LinkedHashSet<>();
        while (ports.size() < NODES) {
            ports.add(FreePorts.next());
        }
        for (int port : ports) {
            ProxyFixture proxy =
                    new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withLimitSecret(new KeySecret(5, 6)));
            proxies.add(proxy);
            Distribution distribution = distribution(proxy.kernel, "node-" + proxies.size(), port, ports);
            LimitSharing sharing = Objects.requireNonNull(proxy.plane.limitSharing());
            peers.add(LimitPeers.start(distribution, proxy.kernel.root(), sharing));
        }
        ProxyFixture.await(() -> proxies.stream().allMatch(each -> gauge(each, "nodes", "all") == NODES));
    }

    private Distribution distribution(Kernel kernel, String name, int port, Set<Integer> ports) throws Exception {
        TlsSource tls =
                CertificateAuthority.open(kernel, directory.resolve("pki")).peer(List.of("127.0.0.1"));
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
        return Distribution.start(
                kernel,
                kernel.root(),
                name,
                transport,
                new StaticStrategy(ports.stream()
                        .map(each -> InetSocketAddress.createUnresolved("127.0.0.1", each))
                        .collect(Collectors.toSet())),
                OPTIONS);
    }

    @AfterEach
    void stop() throws Exception {
        for (ProxyFixture each : proxies) {
            each.awaitNothingOpen();
            each.close();
        }
        backend.close();
    }

    private static double gauge(ProxyFixture of, String name, String state) {
        return of.kernel.metrics().scrape().stream()
                .filter(each -> each.getMetadata().getPrometheusName().equals("coppice_gateway_limit_shared_" + name))
                .flatMap(each -> ((GaugeSnapshot) each).getDataPoints().stream())
                .filter(each ->
                        each.getLabels().stream().anyMatch(it -> it.getValue().equals(state)))
                .mapToDouble(GaugeSnapshot.GaugeDataPointSnapshot::getValue)
                .sum();
    }

    private static double decisions(ProxyFixture of, String by) {
        return of.kernel.metrics().scrape().stream()
                .filter(each -> each.getMetadata().getPrometheusName().equals("coppice_gateway_limit_shared_decisions"))
                .flatMap(each -> ((CounterSnapshot) each).getDataPoints().stream())
                .filter(each ->
                        each.getLabels().stream().anyMatch(it -> it.getValue().equals(by)))
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }

    private static LimitConfig limit(String name, Algorithm algorithm, long requests, boolean shadow) {
        return new LimitConfig(
                "default/policy/" + name,
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                algorithm,
                requests,
                algorithm == Algorithm.CONCURRENCY ? 0 : HOUR,
                algorithm == Algorithm.TOKEN_BUCKET ? requests : 0,
                List.of(new KeyPart.Header("x-tenant")),
                "",
                shadow,
                algorithm != Algorithm.CONCURRENCY);
    }

    private void serve(LimitConfig... limits) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule("u")));
        for (ProxyFixture each : proxies) {
            each.serveRoutes(List.of(limits), List.of(route), upstream("u", backend.port()));
        }
    }

    private int passed(String tenant, int requests) throws Exception {
        int passed = 0;
        for (int i = 0; i < requests; i++) {
            String answer = proxies.get(i % proxies.size()).get("/", "x-tenant: " + tenant);
            String head = answer.toLowerCase(Locale.ROOT);
            assertThat(head).containsPattern("\r\nratelimit: .*;r=\\d+;t=\\d+");
            if (head.startsWith("http/1.1 200")) {
                passed++;
            } else {
                assertThat(head).startsWith("http/1.1 429").containsPattern("\r\nretry-after: [1-9]\\d*\r\n");
            }
        }
        return passed;
    }

    /**
     * On a machine that is very busy an owner may be late; then each node has its part, so that the limit passes once more at most, and what it gives
     * too late is lost.
     */
    @Test
    void theLimitHoldsOverAllOfThemAndHoweverManyAreLeft() throws Exception {
        serve(limit("all", Algorithm.TOKEN_BUCKET, 20, false));
        int late = 0;
        for (String tenant : List.of("a", "b", "c", "d", "e", "f")) {
            double before = alone();
            int passed = passed(tenant, 45);
            if (alone() == before) {
                assertThat(passed).as(tenant).isEqualTo(20);
            } else {
                late++;
                assertThat(passed).as(tenant).isBetween(10, 40);
            }
        }
        System.out.println("an owner was late for " + late + " of 6 tenants");
        assertThat(proxies.stream()
                        .mapToDouble(each -> decisions(each, "asked"))
                        .sum())
                .isPositive();

        ProxyFixture gone = proxies.removeLast();
        gone.awaitNothingOpen();
        gone.close();
        ProxyFixture.await(() -> proxies.stream().allMatch(each -> gauge(each, "nodes", "all") == NODES - 1));
        for (String tenant : List.of("a", "b", "c", "g", "h")) {
            // Keys that were its own begin anew elsewhere.
            assertThat(passed(tenant, 60)).as(tenant).isLessThanOrEqualTo(40);
        }
        assertThat(passed("i", 60)).isBetween(10, 40);
    }

    private double alone() {
        return proxies.stream().mapToDouble(each -> decisions(each, "alone")).sum();
    }

    @Test
    void itCountsBesideOthersAndShadowsMakeNobodyWait() throws Exception {
        serve(
                limit("slots", Algorithm.CONCURRENCY, 1, false),
                limit("shadow", Algorithm.TOKEN_BUCKET, 1, true),
                limit("window", Algorithm.SLIDING_WINDOW, 30, false));
        double before = alone();
        int passed = passed("a", 60);
        assertThat(passed).isBetween(15, alone() == before ? 30 : 60);
        // What was counted of requests at one time was given back by those who had to wait for another node, too.
        proxies.forEach(ProxyFixture::awaitNothingOpen);
        assertThat(proxies.stream().mapToLong(each -> each.plane.limits.used("default/policy/slots")))
                .containsOnly(0L);
    }

    @Test
    void aClientThatGoesWhileItWaitsLeavesNothing() throws Exception {
        serve(limit("slots", Algorithm.CONCURRENCY, 1000, false), limit("all", Algorithm.TOKEN_BUCKET, 1000, false));
        for (int i = 0; i < 60; i++) {
            try (ProxyFixture.Client client = proxies.get(i % NODES).client()) {
                client.send(
                        "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\nx-tenant: " + i + "\r\n\r\nab");
            }
        }
        proxies.forEach(ProxyFixture::awaitNothingOpen);
        assertThat(proxies.stream().mapToLong(each -> each.plane.limits.used("default/policy/slots")))
                .containsOnly(0L);
    }

    @Test
    void whenTheSharingEndsEachCountsForItself() throws Exception {
        serve(limit("all", Algorithm.TOKEN_BUCKET, 10, false));
        for (int i = 0; i < NODES; i++) {
            peers.get(i).close();
        }
        assertThat(passed("z", 60)).isEqualTo(30);
    }
}
