package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Request;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.Kernel;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The Service that carries the labels and annotations of a Gateway. */
class GatewayServiceTest {
    private static final ResourceType SERVICES = new ResourceType("", "v1", "services");
    private static final Key KEY = new Key("default", "gate-coppice");

    private final World world = new World();
    private final Kernel kernel = Kernel.start();
    private final FakeResourceClient client = new FakeResourceClient(kernel.clock());

    @AfterEach
    void stop() {
        kernel.close();
    }

    private Map<Key, GatewayService> gateway(String infrastructure, String listeners) {
        world.apply("kind: Gateway\nmetadata: {name: gate}\nspec: {gatewayClassName: coppice, infrastructure: {"
                + infrastructure + "}, listeners: [" + listeners + "]}");
        return world.translation.translate(world.snapshot(), Map.of()).gatewayServices();
    }

    private Map<Key, GatewayService> gateway(String infrastructure) {
        return gateway(infrastructure, "{name: http, port: 80, protocol: HTTP}");
    }

    private Optional<ObjectNode> service() {
        return client.get(SERVICES, KEY.namespace(), KEY.name());
    }

    private void reconcile(Map<Key, GatewayService> wanted) {
        new GatewayServiceReconciler(wanted::get, () -> true)
                .reconcile(new Request<>(
                        KEY, service().map(each -> RecordInformer.read(CoreKinds.SERVICE, each)), client));
    }

    @Test
    void standsForAGatewayThatWantsLabelsOrAnnotations() {
        Map<Key, GatewayService> wanted = gateway(
                "labels: {a: b}, annotations: {c: d}",
                "{name: http, port: 80, protocol: HTTP}, {name: other, port: 80, protocol: HTTP, hostname: a.example},"
                        + " {name: dns, port: 53, protocol: UDP}");
        reconcile(wanted);
        reconcile(wanted);
        JsonNode made = service().orElseThrow();
        assertThat(made.at("/metadata/labels/a").asText()).isEqualTo("b");
        assertThat(made.at("/metadata/labels/gateway.networking.k8s.io~1gateway-name")
                        .asText())
                .isEqualTo("gate");
        assertThat(made.at("/metadata/annotations/c").asText()).isEqualTo("d");
        assertThat(made.at("/metadata/ownerReferences/0/kind").asText()).isEqualTo("Gateway");
        assertThat(made.at("/metadata/ownerReferences/0/uid").asText()).isEqualTo("Gateway/default/gate");
        assertThat(made.at("/spec/type").asText()).isEqualTo("LoadBalancer");
        assertThat(made.at("/spec/loadBalancerClass").asText()).isEqualTo("coppice.dev/gateway");
        assertThat(made.at("/spec/selector").isMissingNode()).isTrue();
        assertThat(made.at("/spec/ports").toString())
                .isEqualTo("[{\"name\":\"tcp-80\",\"port\":80,\"protocol\":\"TCP\"},"
                        + "{\"name\":\"udp-53\",\"port\":53,\"protocol\":\"UDP\"}]");
        assertThat(made.at("/status/loadBalancer/ingress/0/ip").asText()).isEqualTo("127.0.0.1");
    }

    @Test
    void otherGatewaysHaveNone() {
        assertThat(gateway("")).isEmpty();
        assertThat(gateway("labels: {a: b}", "{name: http, port: 80, protocol: x.example/y}"))
                .isEmpty();
    }

    @Test
    void nothingIsWrittenWhenNothingChanges() {
        Map<Key, GatewayService> wanted = gateway("labels: {a: b}");
        reconcile(wanted);
        reconcile(wanted);
        String version = service().orElseThrow().at("/metadata/resourceVersion").asText();
        reconcile(wanted);
        assertThat(service().orElseThrow().at("/metadata/resourceVersion").asText())
                .isEqualTo(version);
    }

    @Test
    void followsTheGatewayAndLeavesWhatOthersAdd() {
        reconcile(gateway("labels: {a: b, x: y}, annotations: {c: d}"));
        ObjectNode added = JsonNodeFactory.instance.objectNode();
        added.putObject("metadata").putObject("labels").put("theirs", "yes");
        ObjectNode _ = client.mergePatch(SERVICES, "default", "gate-coppice", null, added);
        reconcile(gateway("labels: {a: z}", "{name: http, port: 8080, protocol: HTTP}"));
        JsonNode now = service().orElseThrow();
        assertThat(now.at("/metadata/labels/a").asText()).isEqualTo("z");
        assertThat(now.at("/metadata/labels").has("x")).isFalse();
        assertThat(now.at("/metadata/labels/theirs").asText()).isEqualTo("yes");
        assertThat(now.at("/metadata/annotations").has("c")).isFalse();
        assertThat(now.at("/spec/ports/0/port").asInt()).isEqualTo(8080);
        assertThat(now.at("/spec/ports")).hasSize(1);
    }

    @Test
    void goesWhenTheGatewayWantsNone() {
        reconcile(gateway("labels: {a: b}"));
        assertThat(service()).isPresent();
        reconcile(gateway(""));
        assertThat(service()).isEmpty();
    }

    @Test
    void leavesAServiceOfSomebodyElseAlone() {
        ObjectNode theirs = JsonNodeFactory.instance.objectNode();
        theirs.put("apiVersion", "v1").put("kind", "Service");
        theirs.putObject("metadata").put("namespace", "default").put("name", "gate-coppice");
        theirs.putObject("spec").put("type", "ClusterIP");
        ObjectNode before = client.create(SERVICES, theirs);
        reconcile(gateway("labels: {a: b}"));
        assertThat(service()).contains(before);
        assertThat(client.events()).singleElement().asString().contains("ServiceExists", "default/gate-coppice");
        reconcile(gateway(""));
        assertThat(service()).contains(before);
    }

    @Test
    void writesNothingBeforeItKnowsWhatIsWanted() {
        reconcile(gateway("labels: {a: b}"));
        new GatewayServiceReconciler(_ -> null, () -> false)
                .reconcile(new Request<>(
                        KEY, service().map(each -> RecordInformer.read(CoreKinds.SERVICE, each)), client));
        assertThat(service()).isPresent();
    }

    @Test
    void longNamesAreCutAsTheGatewayApiSays() {
        // The example of GEP-1762.
        assertThat(GatewayService.label("example-very-very-very-very-very-very-very-very-very-long-gateway-name"))
                .isEqualTo("example-very-very-ve-65cb6f84bc9e50270d0a6c2f845fd98c6fe8d89f");
        assertThat(GatewayService.name("gate-coppice")).isEqualTo("gate-coppice");
        for (String each : new String[] {"1gate-coppice", "a.b-coppice", "a".repeat(70)}) {
            assertThat(GatewayService.name(each)).as(each).matches("[a-z]([-a-z0-9]{0,61}[a-z0-9])?");
        }
    }
}
