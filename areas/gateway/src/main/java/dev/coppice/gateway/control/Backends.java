package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Protocol;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.gateway.kind.BackendReference;
import dev.coppice.gateway.kind.FallbackSpec;
import dev.coppice.gateway.mesh.AddressRange;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Looks up Services, and makes upstreams of their EndpointSlices. What did not change is kept from one time to the next. */
final class Backends {
    /**
     * A reference that was looked up.
     *
     * @param backend null when it leads nowhere
     * @param problem null when it leads somewhere
     */
    record Found(@Nullable Backend backend, References.@Nullable Problem problem) {
        private static Found nothing(String reason, String message) {
            return new Found(null, new References.Problem(reason, message));
        }
    }

    /**
     * A port of a Service, as routes of a kind speak to it.
     *
     * @param port as the Service numbers it
     * @param portName as the Service names it; empty where it does not
     * @param secured whether a BackendTLSPolicy is for it
     */
    record Backend(Key service, int port, String portName, Protocol protocol, boolean datagrams, boolean secured) {
        /** The name of its upstream, for what goes out in a way. */
        String upstream(Egress egress) {
            String name = service + ":" + port
                    + switch (protocol) {
                        case HTTP -> "";
                        case H2C -> "/h2c";
                        case WEBSOCKET -> "/ws";
                        case BYTES -> datagrams ? "/udp" : "/tcp";
                    };
            if (!secured || egress.passes()) {
                return name;
            }
            return name + "/tls" + (egress.shown() == null ? "" : "/" + egress.shown());
        }
    }

    private record Wanted(Backend backend, Egress egress) {}

    /**
     * An upstream, with what it was made of.
     *
     * @param slices whose endpoints are used
     * @param listed all that there are; some may be left out
     * @param addresses of its external name, as they were when it was made; empty where it has none
     * @param tls as it was when it was made
     * @param traffic as it was when it was made
     */
    private record Made(
            ObjectNode service,
            List<ObjectNode> slices,
            List<ObjectNode> listed,
            List<String> addresses,
            Wanted wanted,
            @Nullable UpstreamTlsConfig tls,
            @Nullable TrafficConfig traffic,
            UpstreamConfig upstream) {

        boolean holds(
                Wanted now,
                ObjectNode serviceNow,
                List<ObjectNode> slicesNow,
                List<ObjectNode> listedNow,
                List<String> addressesNow,
                @Nullable UpstreamTlsConfig tlsNow,
                @Nullable TrafficConfig trafficNow) {
            return wanted.equals(now)
                    && service == serviceNow
                    && addresses.equals(addressesNow)
                    && Objects.equals(tls, tlsNow)
                    && Objects.equals(traffic, trafficNow)
                    && same(slices, slicesNow)
                    && (label(traffic).isEmpty() || same(listed, listedNow));
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
    }

    /** Of an EndpointSlice: the HealthCheck of its namespace that says whether its endpoints are there. */
    static final String HEALTH_CHECK = "gateway.coppice.dev/health-check";

    private static final int MOST_TOLD = 1_000;
    private static final System.Logger LOG = System.getLogger(Backends.class.getName());
    private static final ObjectNode NOTHING = JsonNodeFactory.instance.objectNode();

    private final Capabilities capabilities;
    private final EndpointReader endpoints;
    private final Map<String, Wanted> wanted = new LinkedHashMap<>();
    private Map<String, Made> made = Map.of();
    /** Addresses of upstreams that were served before this began: those of external names count until they were looked up. */
    private Map<String, List<String>> served = Map.of();
    /** HealthChecks whose state was not known when it was looked for. */
    private final Set<Key> unknown = new HashSet<>();

    /**
     * @param zone where the gateway is; empty when nobody knows
     * @param services addresses of Services, which are no endpoints; null: Services have none
     */
    Backends(Capabilities capabilities, String zone, @Nullable AddressRange services) {
        this.capabilities = capabilities;
        this.endpoints = new EndpointReader(zone, services);
    }

    /** @param before what was served before this began */
    void served(List<UpstreamConfig> before) {
        served = before.stream()
                .collect(Collectors.toMap(
                        UpstreamConfig::name,
                        each -> each.endpoints().stream()
                                .map(UpstreamConfig.Endpoint::address)
                                .toList()));
    }

    /** Begins anew: no upstream is wanted. */
    void begin() {
        wanted.clear();
    }

    /** What a route refers to. */
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
        Key key = new Key(in, reference.name());
        Optional<ObjectNode> service = cluster.service(key);
        boolean external = service.isPresent() && external(service.get()) != null;
        if (!grants.allowService(kind, namespace, in, reference.name(), external)) {
            return Found.nothing(
                    "RefNotPermitted",
                    what + " is in another namespace; a ReferenceGrant in " + in + " has to allow it from " + kind
                            + " in " + namespace);
        }
        if (service.isEmpty()) {
            return Found.nothing("BackendNotFound", what + " does not exist");
        }
        JsonNode spec = service.get().path("spec");
        if ("".equals(external(service.get()))) {
            return Found.nothing("UnsupportedValue", what + " is of type ExternalName and has no spec.externalName");
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
        boolean datagrams = transport.equals("UDP");
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
            boolean secured = !datagrams && policies.covers(key, name);
            Protocol protocol = Protocol.BYTES;
            if (kind.equals("HTTPRoute") || kind.equals("GRPCRoute")) {
                switch (application) {
                    case "kubernetes.io/h2c" -> protocol = Protocol.H2C;
                    case "kubernetes.io/ws" -> protocol = Protocol.WEBSOCKET;
                    case "kubernetes.io/wss", "https" -> {
                        if (!secured) {
                            return Found.nothing(
                                    "UnsupportedProtocol",
                                    what + " has a port " + number + " of appProtocol " + application
                                            + ", which needs a BackendTLSPolicy");
                        }
                        protocol = application.equals("https") ? usual(kind) : Protocol.WEBSOCKET;
                    }
                    default -> protocol = usual(kind);
                }
                if (protocol == Protocol.H2C && !capabilities.h2c()) {
                    return Found.nothing(
                            "UnsupportedProtocol",
                            what + " has a port " + number + " of appProtocol " + application
                                    + ": this version cannot speak HTTP/2 to backends yet");
                }
            }
            return new Found(new Backend(key, number, name, protocol, datagrams, secured), null);
        }
        if (!other && spec.path("type").asText("").equals("ExternalName")) {
            // Ports need not be listed; they are those of whoever has the name.
            Protocol protocol = kind.equals("HTTPRoute") || kind.equals("GRPCRoute") ? usual(kind) : Protocol.BYTES;
            boolean secured = !datagrams && policies.covers(key, "");
            return new Found(new Backend(key, number, "", protocol, datagrams, secured), null);
        }
        return other
                ? Found.nothing("UnsupportedProtocol", what + " has no port " + number + " for " + transport)
                : Found.nothing("BackendNotFound", what + " has no port " + number);
    }

    /** The name that a Service of the type ExternalName stands for; null for all others. */
    private static @Nullable String external(JsonNode service) {
        JsonNode spec = service.path("spec");
        return spec.path("type").asText("").equals("ExternalName")
                ? spec.path("externalName").asText("")
                : null;
    }

    /** What is spoken where nothing says otherwise. */
    private static Protocol usual(String kind) {
        return kind.equals("GRPCRoute") ? Protocol.H2C : Protocol.HTTP;
    }

    /**
     * From now on there is an upstream for what goes out to a backend in a way.
     *
     * @param name its {@link Backend#upstream}
     */
    void want(String name, Backend backend, Egress egress) {
        wanted.putIfAbsent(name, new Wanted(backend, egress));
    }

    /**
     * Everything that is wanted since it began.
     *
     * @param shown the client certificates of Gateways
     */
    List<UpstreamConfig> upstreams(
            ClusterView cluster,
            BackendPolicies policies,
            TrafficPolicies traffic,
            Function<Key, TlsConfig.@Nullable Certificate> shown) {
        Map<String, TrafficConfig> fallingBack = fallbacks(cluster, policies, traffic);
        Map<String, Made> now = new LinkedHashMap<>();
        List<UpstreamConfig> all = new ArrayList<>(wanted.size());
        wanted.forEach((name, each) -> {
            List<ObjectNode> listed = cluster.slices(each.backend().service());
            List<ObjectNode> slices = well(cluster, listed);
            ObjectNode service = cluster.service(each.backend().service()).orElse(NOTHING);
            String external = external(service);
            List<String> addresses = external == null
                    ? List.of()
                    : cluster.addresses(external).orElseGet(() -> served.getOrDefault(name, List.of()));
            boolean secured = each.backend().secured() && !each.egress().passes();
            UpstreamTlsConfig tls = secured ? tls(each, policies, shown) : null;
            TrafficConfig sent = fallingBack.containsKey(name)
                    ? fallingBack.get(name)
                    : traffic.config(each.backend().service(), each.backend().portName());
            if (sent != null && each.backend().datagrams()) {
                // There is nothing to connect to, and a line of text could not be told from what a datagram says.
                sent = sent.withHealthCheck(null);
                sent = sent.proxyProtocol() == TrafficConfig.ProxyProtocol.V1 ? sent.withProxyProtocol(null) : sent;
            }
            Made before = made.get(name);
            Made kept = before != null && before.holds(each, service, slices, listed, addresses, tls, sent)
                    ? before
                    : new Made(
                            service,
                            slices,
                            listed,
                            addresses,
                            each,
                            tls,
                            sent,
                            upstream(
                                    name,
                                    each.backend(),
                                    service,
                                    slices,
                                    listed,
                                    external == null ? null : addresses,
                                    secured,
                                    tls,
                                    sent));
            now.put(name, kept);
            all.add(kept.upstream());
        });
        made = now;
        return all;
    }

    /** @param external the addresses of an external name; null: it has endpoints */
    private UpstreamConfig upstream(
            String name,
            Backend backend,
            ObjectNode service,
            List<ObjectNode> slices,
            List<ObjectNode> listed,
            @Nullable List<String> external,
            boolean secured,
            @Nullable UpstreamTlsConfig tls,
            @Nullable TrafficConfig sent) {
        if (secured && tls == null) {
            // Without endpoints nothing can be sent in the clear where TLS is asked for.
            return new UpstreamConfig(name, backend.protocol(), List.of(), null, sent);
        }
        if (external != null) {
            List<UpstreamConfig.Endpoint> all = external.stream()
                    .map(address -> new UpstreamConfig.Endpoint(address, backend.port()))
                    .toList();
            return new UpstreamConfig(name, backend.protocol(), all, tls, sent);
        }
        String label = label(sent);
        List<UpstreamConfig.Endpoint> all =
                endpoints.read(service, slices, backend.portName(), backend.datagrams(), label);
        Set<String> absent = label.isEmpty()
                ? Set.of()
                : EndpointReader.absent(listed, backend.portName(), backend.datagrams(), label, all);
        return new UpstreamConfig(name, backend.protocol(), all, tls, sent, absent);
    }

    /** The label that sorts endpoints into subsets; empty: none does. */
    private static String label(@Nullable TrafficConfig traffic) {
        BalanceConfig.Subset subset = traffic == null || traffic.balance() == null
                ? null
                : traffic.balance().subset();
        return subset == null ? "" : subset.label();
    }

    /** Without those whose HealthCheck is down, unless that would be all of them: better a backend that may be there than none. */
    private List<ObjectNode> well(ClusterView cluster, List<ObjectNode> slices) {
        List<ObjectNode> well =
                slices.stream().filter(slice -> !down(cluster, slice)).toList();
        return well.isEmpty() ? slices : well;
    }

    private boolean down(ClusterView cluster, ObjectNode slice) {
        JsonNode metadata = slice.path("metadata");
        String check = metadata.path("annotations").path(HEALTH_CHECK).asText("");
        if (check.isEmpty()) {
            return false;
        }
        Key key = new Key(metadata.path("namespace").asText(""), check);
        String state = cluster.healthState(key);
        if (!state.isEmpty()) {
            unknown.remove(key);
        } else if (unknown.size() < MOST_TOLD && unknown.add(key)) {
            LOG.log(
                    Level.WARNING,
                    "EndpointSlice {0}/{1}, annotation {2}: the state of HealthCheck {3} is not known, and counts as up",
                    key.namespace(),
                    metadata.path("name").asText(),
                    HEALTH_CHECK,
                    key);
        }
        return state.equals("Down");
    }

    /** Wants the backends that get requests when others are not there, too; how requests are sent to those others. */
    private Map<String, TrafficConfig> fallbacks(
            ClusterView cluster, BackendPolicies policies, TrafficPolicies traffic) {
        Map<String, TrafficConfig> all = new HashMap<>();
        Deque<String> names = new ArrayDeque<>(wanted.keySet());
        for (String name = names.poll(); name != null; name = names.poll()) {
            Wanted each = Objects.requireNonNull(wanted.get(name));
            Key service = each.backend().service();
            String port = each.backend().portName();
            FallbackSpec.Backend to = traffic.fallback(service, port);
            TrafficConfig config = to == null ? null : traffic.config(service, port);
            if (to == null || config == null || each.backend().protocol() == Protocol.BYTES) {
                continue;
            }
            // What is not said of its protocol is as for those that come to it.
            Found found = find(
                    each.backend().protocol() == Protocol.H2C ? "GRPCRoute" : "HTTPRoute",
                    service.namespace(),
                    new BackendReference(null, null, to.name(), null, to.port()),
                    cluster,
                    Grants.NONE,
                    policies);
            Backend backend = found.backend();
            if (backend == null) {
                traffic.fallbackMissing(service, port, Objects.requireNonNull(found.problem()));
                all.put(name, config.withFallback(null));
                continue;
            }
            String upstream = backend.upstream(each.egress());
            if (wanted.putIfAbsent(upstream, new Wanted(backend, each.egress())) == null) {
                names.add(upstream);
            }
            all.put(name, config.withFallback(upstream));
        }
        return all;
    }

    /** Null when its policy is not valid, or the client certificate is not there that should be shown. */
    private static @Nullable UpstreamTlsConfig tls(
            Wanted wanted, BackendPolicies policies, Function<Key, TlsConfig.@Nullable Certificate> shown) {
        UpstreamTlsConfig tls =
                policies.tls(wanted.backend().service(), wanted.backend().portName());
        Key gateway = wanted.egress().shown();
        if (tls == null || gateway == null) {
            return tls;
        }
        TlsConfig.Certificate certificate = shown.apply(gateway);
        return certificate == null ? null : tls.with(certificate);
    }
}
