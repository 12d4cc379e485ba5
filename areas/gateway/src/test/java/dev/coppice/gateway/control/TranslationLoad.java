package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.HttpRouteSpec;
import dev.coppice.gateway.kind.RouteStatus;
import dev.coppice.kernel.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Measures how long many routes take; run by hand. Arguments: how many routes. */
public final class TranslationLoad {
    private TranslationLoad() {}

    public static void main(String[] arguments) {
        int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10_000;
        Clock clock = Clock.system();
        World world = new World();
        world.apply("""
                kind: Gateway
                metadata: {name: gate}
                spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                """);
        for (int i = 0; i < 1000; i++) {
            world.service("default", "web" + i, "{name: http, port: 80}", "10.0.0.1", "10.0.0.2");
        }
        for (int i = 0; i < count; i++) {
            world.apply("""
                    kind: HTTPRoute
                    metadata: {name: r%d}
                    spec:
                      parentRefs: [{name: gate}]
                      hostnames: [h%d.example.org]
                      rules: [{matches: [{path: {value: /a%d}}], backendRefs: [{name: web%d, port: 80}]}]
                    """.formatted(i, i, i, i % 1000));
        }
        Map<dev.coppice.control.Key, List<com.fasterxml.jackson.databind.node.ObjectNode>> slices =
                new java.util.HashMap<>();
        for (int i = 0; i < 1000; i++) {
            dev.coppice.control.Key key = new dev.coppice.control.Key("default", "web" + i);
            slices.put(key, world.slices(key));
        }
        Snapshot all = world.snapshot();
        ClusterView indexed = new ClusterView() {
            @Override
            public java.util.Optional<com.fasterxml.jackson.databind.node.ObjectNode> service(
                    dev.coppice.control.Key key) {
                return world.service(key);
            }

            @Override
            public List<com.fasterxml.jackson.databind.node.ObjectNode> slices(dev.coppice.control.Key service) {
                return slices.getOrDefault(service, List.of());
            }

            @Override
            public java.util.Optional<Map<String, String>> namespace(String name) {
                return world.namespace(name);
            }

            @Override
            public java.util.Optional<com.fasterxml.jackson.databind.node.ObjectNode> secret(
                    dev.coppice.control.Key key) {
                return world.secret(key);
            }

            @Override
            public java.util.Optional<com.fasterxml.jackson.databind.node.ObjectNode> configMap(
                    dev.coppice.control.Key key) {
                return world.configMap(key);
            }
        };
        for (int round = 0; round < 40; round++) {
            List<Resource<HttpRouteSpec, RouteStatus>> routes = new ArrayList<>(all.httpRoutes());
            if (round > 1) {
                ((com.fasterxml.jackson.databind.node.ObjectNode)
                                routes.get(round).tree().get("metadata"))
                        .put("generation", 2 + round);
            }
            Snapshot snapshot = new Snapshot(
                    all.classes(),
                    all.gateways(),
                    all.listenerSets(),
                    routes,
                    all.grpcRoutes(),
                    all.tlsRoutes(),
                    all.tcpRoutes(),
                    all.udpRoutes(),
                    all.grants(),
                    all.policies(),
                    indexed);
            long start = clock.nanoTime();
            long cpu = java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            Translation.Result result = world.translation.translate(snapshot, Map.of());
            int drafts = result.statuses().with(Map.of()).size();
            System.out.printf(
                    "round %d (%s): %.1f ms, CPU %.1f ms, %d listeners, %d upstreams, %d statuses%n",
                    round,
                    round == 0 ? "all new" : round == 1 ? "nothing changed" : "one changed",
                    (clock.nanoTime() - start) * 1e-6,
                    (java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - cpu) * 1e-6,
                    result.config().listeners().size(),
                    result.config().upstreams().size(),
                    drafts);
        }
    }
}
