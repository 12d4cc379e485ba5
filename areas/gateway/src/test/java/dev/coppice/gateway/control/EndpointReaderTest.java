package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Endpoints of EndpointSlices: their priorities by zone, and their weights. */
class EndpointReaderTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    /** Each endpoint as {@code ADDRESS priority=N}, without the priority where it is 0. */
    private static List<String> read(String zone, String service, String... endpoints) throws IOException {
        return read(zone, service, List.of(slice("", endpoints)));
    }

    private static List<String> read(String zone, String service, List<ObjectNode> slices) throws IOException {
        List<String> all = new ArrayList<>();
        for (Endpoint each : new EndpointReader(zone, null)
                .read(YAML.readTree("spec: {" + service + "}"), slices, "http", false, "")) {
            all.add(each.address()
                    + (each.priority() == 0 ? "" : " priority=" + each.priority())
                    + (each.weight() == 1 ? "" : " weight=" + each.weight()));
        }
        return all;
    }

    private static ObjectNode slice(String annotations, String... endpoints) throws IOException {
        return (ObjectNode) YAML.readTree("""
                metadata: {name: s, namespace: default, annotations: {%s}}
                addressType: IPv4
                ports: [{name: http, port: 80}]
                endpoints: [%s]
                """.formatted(annotations, String.join(", ", endpoints)));
    }

    private static String endpoint(int number, String more) {
        return "{addresses: [10.0.0." + number + "]" + (more.isEmpty() ? "" : ", " + more) + "}";
    }

    private static String hint(int number, String zone) {
        return endpoint(number, "zone: x, hints: {forZones: [{name: other}, {name: " + zone + "}]}");
    }

    @Test
    void zonesCountWhenTheServiceWantsThat() throws IOException {
        String[] endpoints = {endpoint(1, "zone: a"), endpoint(2, "zone: b"), endpoint(3, "")};
        assertThat(read("a", "", endpoints)).containsExactly("10.0.0.1", "10.0.0.2", "10.0.0.3");
        for (String wish : List.of("PreferClose", "PreferSameZone")) {
            assertThat(read("a", "trafficDistribution: " + wish, endpoints))
                    .containsExactly("10.0.0.1", "10.0.0.2 priority=1", "10.0.0.3 priority=1");
        }
        // Nobody knows where the gateway is, or nothing is near.
        assertThat(read("", "trafficDistribution: PreferClose", endpoints))
                .containsExactly("10.0.0.1", "10.0.0.2", "10.0.0.3");
        assertThat(read("c", "trafficDistribution: PreferClose", endpoints))
                .containsExactly("10.0.0.1", "10.0.0.2", "10.0.0.3");
    }

    @Test
    void hintsCountWhenAllHaveSome() throws IOException {
        assertThat(read("a", "", hint(1, "a"), hint(2, "b"))).containsExactly("10.0.0.1", "10.0.0.2 priority=1");
        assertThat(read("other", "", hint(1, "a"), hint(2, "b"))).containsExactly("10.0.0.1", "10.0.0.2");
        assertThat(read("a", "", hint(1, "a"), endpoint(2, "zone: a"))).containsExactly("10.0.0.1", "10.0.0.2");
        // Then zones count, as the Service wants it.
        assertThat(read("a", "trafficDistribution: PreferClose", hint(1, "a"), endpoint(2, "zone: a")))
                .containsExactly("10.0.0.1 priority=1", "10.0.0.2");
    }

    @Test
    void weightsAreThoseOfSlices() throws IOException {
        assertThat(read(
                        "",
                        "",
                        List.of(
                                slice("gateway.coppice.dev/weight: \"10\"", endpoint(1, ""), endpoint(2, "")),
                                slice("", endpoint(3, "")),
                                slice("gateway.coppice.dev/weight: \"101\"", endpoint(4, "")),
                                slice("gateway.coppice.dev/weight: heavy", endpoint(5, "")))))
                .containsExactly("10.0.0.1 weight=10", "10.0.0.2 weight=10", "10.0.0.3", "10.0.0.4", "10.0.0.5");
    }

    private static List<String> labels(String label, List<ObjectNode> slices) throws IOException {
        return new EndpointReader("", null)
                .read(YAML.readTree("spec: {}"), slices, "http", false, label).stream()
                        .map(Endpoint::subset)
                        .toList();
    }

    @Test
    void labelsAreThoseOfSlicesOrWhatEndpointsSayThemselves() throws IOException {
        ObjectNode first = slice("", endpoint(1, "zone: a"), endpoint(2, "nodeName: n"));
        first.withObject("/metadata/labels").put("version", "v1").put("topology.kubernetes.io/zone", "of-slice");
        ObjectNode second = slice("", endpoint(3, "targetRef: {kind: Pod, name: p-0}"), endpoint(4, ""));
        List<ObjectNode> slices = List.of(first, second);
        assertThat(labels("version", slices)).containsExactly("v1", "v1", "", "");
        assertThat(labels("topology.kubernetes.io/zone", slices)).containsExactly("a", "of-slice", "", "");
        assertThat(labels("kubernetes.io/hostname", slices)).containsExactly("", "n", "", "");
        assertThat(labels("statefulset.kubernetes.io/pod-name", slices)).containsExactly("", "", "p-0", "");
        assertThat(labels("", slices)).containsExactly("", "", "", "");
    }

    @Test
    void anEndpointThatIsListedTwiceIsThereOnce() throws IOException {
        assertThat(read(
                        "",
                        "",
                        List.of(
                                slice("", endpoint(1, "conditions: {ready: false}"), endpoint(2, "")),
                                slice("", endpoint(1, ""), endpoint(2, "")))))
                .containsExactly("10.0.0.2", "10.0.0.1");
    }

    @Test
    void aChangeOfTheServiceAloneIsSeen() {
        World world = new World()
                .service("default", "web", "{name: http, port: 80}", "10.0.0.1")
                .apply("""
                        kind: Gateway
                        metadata: {name: gate}
                        spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                        ---
                        kind: HTTPRoute
                        metadata: {name: shop}
                        spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: web, port: 80}]}]}
                        ---
                        kind: EndpointSlice
                        metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
                        addressType: IPv4
                        ports: [{name: http, port: 3000}]
                        endpoints: [{addresses: [10.0.0.1], conditions: {ready: false, serving: true}}]
                        """);
        assertThat(world.translate().upstream("default/web:80").endpoints()).isEmpty();
        world.apply("""
                kind: Service
                metadata: {name: web}
                spec: {publishNotReadyAddresses: true, ports: [{name: http, port: 80}]}
                """);
        assertThat(world.translate().upstream("default/web:80").endpoints())
                .containsExactly(new Endpoint("10.0.0.1", 3000));
    }

    @Test
    void aZoneIsALabel() {
        assertThat(GatewayOptions.DEFAULT.withZone("eu-west_1.a").zone()).isEqualTo("eu-west_1.a");
        assertThat(GatewayOptions.DEFAULT.zone()).isEmpty();
        for (String bad : List.of("-a", "a b", "a".repeat(64))) {
            assertThatThrownBy(() -> GatewayOptions.DEFAULT.withZone(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(bad);
        }
    }
}
