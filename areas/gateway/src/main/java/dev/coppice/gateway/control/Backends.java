package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.config.UpstreamConfig.Protocol;
import dev.coppice.gateway.kind.BackendReference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Looks up Services, and makes upstreams of their EndpointSlices. What did not change is kept from one time to the next. */
final class Backends {
    /** As many as one Service may sensibly have; further ones are left out. */
    static final int MOST_ENDPOINTS = 10_000;

    /**
     * A reference that was looked up.
     *
     * @param upstream empty when it leads nowhere
     * @param problem null when it leads somewhere
     */
    record Found(String upstream, References.@Nullable Problem problem) {
        private static Found nothing(String reason, String message) {
            return new Found("", new References.Problem(reason, message));
        }
    }

    private record Wanted(Key service, String portName, Protocol protocol, boolean datagrams) {}

    private record Made(List<ObjectNode> slices, Wanted wanted, UpstreamConfig upstream) {}

    private final Capabilities capabilities;
    private final Map<String, Wanted> wanted = new LinkedHashMap<>();
    private Map<String, Made> made = Map.of();

    Backends(Capabilities capabilities) {
        this.capabilities = capabilities;
    }

    /** Begins anew: no upstream is wanted. */
    void begin() {
        wanted.clear();
    }

    /** What a route refers to; what it finds is an upstream from then on. */
    Found find(
            String kind,
            String namespace,
            BackendReference reference,
            ClusterView cluster,
            Grants grants,
            BackendPolicies policies) {
        String in = reference.namespace() == null ? namespace : reference.namespace();
        String what = reference.kindOrDefault() + " " + in + "/" + reference.name();
        if (!reference.groupOrDefault().isEmpty() || !reference.kindOrDefault().equals("Service")) {
            return Found.nothing(
                    "InvalidKind",
                    "backends are Services of the core group; "
                            + (reference.groupOrDefault().isEmpty() ? "" : reference.groupOrDefault() + "/") + what
                            + " is not supported");
        }
        if (!grants.allow(kind, namespace, "", "Service", in, reference.name())) {
            return Found.nothing(
                    "RefNotPermitted",
                    what + " is in another namespace; a ReferenceGrant in " + in + " has to allow it from " + kind
                            + " in " + namespace);
        }
        Key key = new Key(in, reference.name());
        Optional<ObjectNode> service = cluster.service(key);
        if (service.isEmpty()) {
            return Found.nothing("BackendNotFound", what + " does not exist");
        }
        JsonNode spec = service.get().path("spec");
        if (spec.path("type").asText("").equals("ExternalName")) {
            return Found.nothing("UnsupportedValue", what + " is of type ExternalName, which is not supported");
        }
        Integer port = reference.port();
        if (port == null) {
            return Found.nothing("BackendNotFound", what + " is referred to without a port");
        }
        return port(kind, what, key, port, spec, policies);
    }

    private Found port(String kind, String what, Key key, int number, JsonNode spec, BackendPolicies policies) {
        String transport = kind.equals("UDPRoute") ? "UDP" : "TCP";
        boolean other = false;
        for (JsonNode port : spec.path("ports")) {
            if (port.path("port").asInt() != number) {
                continue;
            }
            if (!port.path("protocol").asText("TCP").equals(transport)) {
                other = true;
                continue;
            }
            String name = port.path("name").asText("");
            String application = port.path("appProtocol").asText("").toLowerCase(Locale.ROOT);
            Protocol protocol = Protocol.HTTP;
            if (kind.equals("HTTPRoute") || kind.equals("GRPCRoute")) {
                boolean tls = policies.covers(key, name);
                if (tls && !capabilities.backendTls()) {
                    return Found.nothing(
                            "UnsupportedProtocol",
                            what + " has a BackendTLSPolicy, and this version cannot speak TLS to backends yet");
                }
                switch (application) {
                    case "kubernetes.io/h2c" -> protocol = Protocol.H2C;
                    case "kubernetes.io/ws" -> protocol = Protocol.WEBSOCKET;
                    case "kubernetes.io/wss", "https" -> {
                        if (!tls) {
                            return Found.nothing(
                                    "UnsupportedProtocol",
                                    what + " has a port " + number + " of appProtocol " + application
                                            + ", which needs a BackendTLSPolicy");
                        }
                        protocol = application.equals("https") ? Protocol.HTTP : Protocol.WEBSOCKET;
                    }
                    default -> {
                        if (kind.equals("GRPCRoute")) {
                            protocol = Protocol.H2C;
                        }
                    }
                }
                if (protocol == Protocol.H2C && !capabilities.h2c()) {
                    return Found.nothing(
                            "UnsupportedProtocol",
                            what + " has a port " + number + " of appProtocol " + application
                                    + ": this version cannot speak HTTP/2 to backends yet");
                }
            }
            boolean datagrams = transport.equals("UDP");
            // A GRPCRoute may speak HTTP/2 to a port to which an HTTPRoute speaks HTTP/1.1.
            boolean only = protocol == Protocol.H2C && !application.equals("kubernetes.io/h2c");
            String upstream = key + ":" + number + (datagrams ? "/udp" : only ? "/h2c" : "");
            wanted.put(upstream, new Wanted(key, name, protocol, datagrams));
            return new Found(upstream, null);
        }
        return other
                ? Found.nothing("UnsupportedProtocol", what + " has no port " + number + " for " + transport)
                : Found.nothing("BackendNotFound", what + " has no port " + number);
    }

    /** An upstream that was found before, whose Service did not change since. */
    void want(String upstream) {
        Made known = made.get(upstream);
        if (known != null) {
            wanted.putIfAbsent(upstream, known.wanted());
        }
    }

    /** Everything that was found since it began. */
    List<UpstreamConfig> upstreams(ClusterView cluster) {
        Map<String, Made> now = new LinkedHashMap<>();
        List<UpstreamConfig> all = new ArrayList<>(wanted.size());
        wanted.forEach((name, each) -> {
            List<ObjectNode> slices = cluster.slices(each.service());
            Made before = made.get(name);
            Made kept = before != null && before.wanted().equals(each) && same(before.slices(), slices)
                    ? before
                    : new Made(
                            slices, each, new UpstreamConfig(name, each.protocol(), endpoints(slices, each, cluster)));
            now.put(name, kept);
            all.add(kept.upstream());
        });
        made = now;
        return all;
    }

    private static boolean same(List<ObjectNode> a, List<ObjectNode> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (a.get(i) != b.get(i)) {
                return false;
            }
        }
        return true;
    }

    private static List<Endpoint> endpoints(List<ObjectNode> slices, Wanted wanted, ClusterView cluster) {
        boolean unready = cluster.service(wanted.service())
                .map(service ->
                        service.path("spec").path("publishNotReadyAddresses").asBoolean())
                .orElse(false);
        Set<Endpoint> all = new LinkedHashSet<>();
        for (ObjectNode slice : slices) {
            if (slice.path("addressType").asText("").equals("FQDN")) {
                continue;
            }
            for (JsonNode port : slice.path("ports")) {
                if (Objects.equals(port.path("name").asText(""), wanted.portName())
                        && port.path("protocol").asText("TCP").equals("UDP") == wanted.datagrams()
                        && port.path("port").asInt() > 0) {
                    addresses(slice, port.path("port").asInt(), unready, all);
                }
            }
        }
        return new ArrayList<>(all);
    }

    private static void addresses(ObjectNode slice, int port, boolean unready, Set<Endpoint> all) {
        for (JsonNode endpoint : slice.path("endpoints")) {
            JsonNode conditions = endpoint.path("conditions");
            // What is not said counts as ready (discovery.k8s.io/v1).
            boolean ready = conditions.path("ready").asBoolean(true);
            boolean serving = conditions.path("serving").asBoolean(ready);
            if (!ready && !(unready && serving)) {
                continue;
            }
            for (JsonNode address : endpoint.path("addresses")) {
                if (all.size() < MOST_ENDPOINTS) {
                    all.add(new Endpoint(address.asText(), port));
                }
                // The addresses of one endpoint stand for the same thing; consumers use the first.
                break;
            }
        }
    }
}
