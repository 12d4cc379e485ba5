package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.mesh.AddressRange;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Makes endpoints of EndpointSlices (discovery.k8s.io/v1): those that are ready, each with its weight, and with a priority where the Service
 * wants its zone to go first. For one gateway. Safe for use by many threads.
 *
 * <p>As Kubernetes' proxies do it: hints of the slices count when all endpoints have some, and else the zones of endpoints when the Service
 * has a {@code trafficDistribution} (KEP-2433, KEP-3015, KEP-4444). Other than there, what is left of the zone does not have to bear
 * everything: how many of its endpoints are healthy decides with each request.
 */
final class EndpointReader {
    /** Of an EndpointSlice: the weight of each of its endpoints. */
    static final String WEIGHT = "gateway.coppice.dev/weight";
    /** As many as one Service may sensibly have; further ones are left out. */
    static final int MOST_ENDPOINTS = 10_000;

    private static final int MOST_WEIGHT = 100;
    private static final Set<String> NEAR_FIRST = Set.of("PreferClose", "PreferSameZone");
    private static final System.Logger LOG = System.getLogger(EndpointReader.class.getName());

    /**
     * An endpoint that is ready.
     *
     * @param hints zones it is meant for; empty when nothing is said of it
     */
    private record Listed(String address, int port, String zone, List<String> hints, int weight, String subset) {}

    private final String zone;
    private final @Nullable AddressRange services;

    /**
     * @param zone where the gateway is; empty when nobody knows
     * @param services addresses of Services, which are left out: requests would come back for ever; null: Services have none
     */
    EndpointReader(String zone, @Nullable AddressRange services) {
        this.zone = zone;
        this.services = services;
    }

    /**
     * The endpoints of one port of a Service.
     *
     * @param label whose value is the subset of an endpoint; empty: there are no subsets
     */
    List<Endpoint> read(JsonNode service, List<ObjectNode> slices, String portName, boolean datagrams, String label) {
        boolean unready = service.path("spec").path("publishNotReadyAddresses").asBoolean();
        Map<String, Listed> all = new LinkedHashMap<>();
        for (ObjectNode slice : slices) {
            if (slice.path("addressType").asText("").equals("FQDN")) {
                continue;
            }
            for (JsonNode port : slice.path("ports")) {
                if (wanted(port, portName, datagrams)) {
                    list(slice, port.path("port").asInt(), unready, label, all);
                }
            }
        }
        return prioritized(service, List.copyOf(all.values()));
    }

    /**
     * Values of a label that endpoints of a port have of which none is used, as they are not ready, or their slices are left out.
     *
     * @param slices those that are left out, too
     */
    static Set<String> absent(
            List<ObjectNode> slices, String portName, boolean datagrams, String label, List<Endpoint> used) {
        Set<String> all = new TreeSet<>();
        for (ObjectNode slice : slices) {
            for (JsonNode port : slice.path("ports")) {
                if (wanted(port, portName, datagrams)) {
                    slice.path("endpoints").forEach(each -> all.add(value(slice, each, label)));
                }
            }
        }
        all.remove("");
        used.forEach(each -> all.remove(each.subset()));
        return all;
    }

    private static boolean wanted(JsonNode port, String name, boolean datagrams) {
        return Objects.equals(port.path("name").asText(""), name)
                && port.path("protocol").asText("TCP").equals("UDP") == datagrams
                && port.path("port").asInt() > 0;
    }

    private void list(ObjectNode slice, int port, boolean unready, String label, Map<String, Listed> all) {
        int weight = weight(slice);
        for (JsonNode endpoint : slice.path("endpoints")) {
            JsonNode conditions = endpoint.path("conditions");
            // What is not said counts as ready (discovery.k8s.io/v1).
            boolean ready = conditions.path("ready").asBoolean(true);
            boolean serving = conditions.path("serving").asBoolean(ready);
            // The addresses of one endpoint stand for the same thing; consumers use the first.
            String address = endpoint.path("addresses").path(0).asText("");
            if (address.isEmpty() || !ready && !(unready && serving) || all.size() >= MOST_ENDPOINTS) {
                continue;
            }
            if (services != null && services.contains(address)) {
                LOG.log(
                        Level.WARNING,
                        "EndpointSlice {0}/{1}: {2} is an address of Services, which cannot be an endpoint; it is left out",
                        slice.path("metadata").path("namespace").asText(),
                        slice.path("metadata").path("name").asText(),
                        address);
                continue;
            }
            List<String> hints = new ArrayList<>();
            endpoint.path("hints")
                    .path("forZones")
                    .forEach(each -> hints.add(each.path("name").asText("")));
            all.putIfAbsent(
                    address + " " + port,
                    new Listed(
                            address,
                            port,
                            endpoint.path("zone").asText(""),
                            hints,
                            weight,
                            label.isEmpty() ? "" : value(slice, endpoint, label)));
        }
    }

    /** A label of an endpoint: what the endpoint itself says by the names that Kubernetes has for it, or what its slice does. */
    private static String value(ObjectNode slice, JsonNode endpoint, String label) {
        JsonNode value = switch (label) {
            case "topology.kubernetes.io/zone" -> endpoint.path("zone");
            case "kubernetes.io/hostname" -> endpoint.path("nodeName");
            case "statefulset.kubernetes.io/pod-name" ->
                endpoint.path("targetRef").path("kind").asText("").equals("Pod")
                        ? endpoint.path("targetRef").path("name")
                        : MissingNode.getInstance();
            default -> MissingNode.getInstance();
        };
        return value.isMissingNode()
                ? slice.path("metadata").path("labels").path(label).asText("")
                : value.asText("");
    }

    private static int weight(ObjectNode slice) {
        JsonNode text = slice.path("metadata").path("annotations").path(WEIGHT);
        if (text.isMissingNode()) {
            return 1;
        }
        try {
            int weight = Integer.parseInt(text.asText());
            if (weight >= 1 && weight <= MOST_WEIGHT) {
                return weight;
            }
        } catch (NumberFormatException e) {
            // It is told below, like one that is out of bounds.
        }
        LOG.log(
                Level.WARNING,
                "EndpointSlice {0}/{1}, annotation {2}: \"{3}\": expected a whole number from 1 to {4}; its endpoints count as 1",
                slice.path("metadata").path("namespace").asText(),
                slice.path("metadata").path("name").asText(),
                WEIGHT,
                text.asText(),
                MOST_WEIGHT);
        return 1;
    }

    private List<Endpoint> prioritized(JsonNode service, List<Listed> listed) {
        boolean hinted = !listed.isEmpty()
                && listed.stream().noneMatch(each -> each.hints().isEmpty());
        boolean nearFirst = !zone.isEmpty()
                && (hinted
                        || NEAR_FIRST.contains(
                                service.path("spec").path("trafficDistribution").asText("")));
        boolean someNear = nearFirst && listed.stream().anyMatch(each -> near(each, hinted));
        return listed.stream()
                .map(each -> new Endpoint(
                        each.address(),
                        each.port(),
                        someNear && !near(each, hinted) ? 1 : 0,
                        each.weight(),
                        each.subset()))
                .toList();
    }

    private boolean near(Listed endpoint, boolean hinted) {
        return hinted ? endpoint.hints().contains(zone) : endpoint.zone().equals(zone);
    }
}
