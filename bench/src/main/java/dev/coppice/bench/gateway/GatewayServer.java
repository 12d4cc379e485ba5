package dev.coppice.bench.gateway;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.proxy.ProxyDataPlane;
import dev.coppice.gateway.proxy.ProxyOptions;
import dev.coppice.kernel.Kernel;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The data plane alone, with many routes, one event loop, timeouts, metrics and an access log. */
final class GatewayServer {
    /** The host whose answers are kept. */
    static final String CACHED = "cached.example.org";

    private GatewayServer() {}

    /** Each of its own host name; the last one is asked. */
    static GatewayConfig config(
            int port, int secure, TlsConfig tls, List<Integer> backendPorts, int routes, int streams) {
        List<UpstreamConfig.Endpoint> endpoints = backendPorts.stream()
                .map(each -> new UpstreamConfig.Endpoint("127.0.0.1", each))
                .toList();
        List<RouteConfig> all = new ArrayList<>();
        for (int i = 0; i < routes; i++) {
            all.add(route("route-" + i, i, "h" + i + ".example.org"));
        }
        all.add(route("cached", routes, CACHED));
        UpstreamConfig upstream = new UpstreamConfig("default/backend:80", UpstreamConfig.Protocol.HTTP, endpoints);
        ContentConfig.Cache cache =
                new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of(), List.of(), true, 5_000, "");
        UpstreamConfig bytes = new UpstreamConfig("default/streams:80", UpstreamConfig.Protocol.BYTES, endpoints);
        RuleConfig stream = new RuleConfig(
                List.of(MatchConfig.ANY), List.of(), List.of(new BackendConfig("default/streams:80", 1, List.of())));
        List<ListenerConfig> listeners = List.of(
                new ListenerConfig(
                        "default/gateway", "http", "127.0.0.1", port, ListenerConfig.Protocol.HTTP, "", null, all),
                new ListenerConfig(
                        "default/gateway", "https", "127.0.0.1", secure, ListenerConfig.Protocol.HTTP, "", tls, all),
                new ListenerConfig(
                        "default/gateway",
                        "streams",
                        "127.0.0.1",
                        streams,
                        ListenerConfig.Protocol.TCP,
                        "",
                        null,
                        List.of(new RouteConfig("TCPRoute", "default", "streams", 0, List.of(), List.of(stream)))));
        return new GatewayConfig.Builder(listeners, List.of(upstream, bytes))
                .contents(List.of(new ContentConfig(
                        List.of(new TrafficTarget("HTTPRoute", "default/cached", "")),
                        null,
                        ContentConfig.UNBOUNDED,
                        cache)))
                .build();
    }

    private static RouteConfig route(String name, int order, String host) {
        MatchConfig match =
                new MatchConfig(new PathMatch(PathMatch.Type.PREFIX, "/files"), "GET", List.of(), List.of());
        RuleConfig rule = new RuleConfig(
                "",
                List.of(match),
                List.of(),
                List.of(new BackendConfig("default/backend:80", 1, List.of())),
                30_000,
                10_000,
                null,
                null);
        return new RouteConfig("HTTPRoute", "default", name, order, List.of(host), List.of(rule));
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        int secure = Integer.parseInt(arguments[1]);
        Path directory = Path.of(arguments[2]);
        List<Integer> backendPorts =
                Arrays.stream(arguments[3].split(",")).map(Integer::valueOf).toList();
        int routes = Integer.parseInt(arguments[4]);
        int streams = Integer.parseInt(arguments[6]);
        TlsConfig tls = new TlsConfig(
                List.of(new TlsConfig.Certificate(
                        Files.readString(directory.resolve("cert.pem")),
                        Files.readString(directory.resolve("key.pem")))),
                null);
        Kernel kernel = Kernel.start();
        ProxyDataPlane plane = new ProxyDataPlane(
                kernel, kernel.root(), ProxyOptions.DEFAULT.withLoops(1).withAccessLog(Path.of(arguments[5])));
        long begin = System.nanoTime();
        GatewayConfig config = config(port, secure, tls, backendPorts, routes, streams);
        var failures = plane.apply(config);
        if (!failures.isEmpty()) {
            throw new IllegalStateException(failures.toString());
        }
        System.out.println("applied in " + (System.nanoTime() - begin) / 1_000_000 + " ms");
        for (int i = 0; i < 5; i++) {
            begin = System.nanoTime();
            plane.apply(config(port, secure, tls, backendPorts, routes, streams));
            System.out.println("again in " + (System.nanoTime() - begin) / 1_000_000 + " ms");
        }
        System.out.println("ready");
        // Each line asks for a change.
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (int changes = 1; lines.readLine() != null; changes++) {
            plane.apply(config(port, secure, tls, backendPorts, routes + changes % 2, streams));
        }
        kernel.terminated().join();
    }
}
