package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Request;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.gateway.mesh.ServiceAddresses.Gets;
import dev.coppice.gateway.mesh.ServiceAddresses.Has;
import dev.coppice.gateway.mesh.ServiceAddresses.Outcome;
import dev.coppice.gateway.mesh.ServiceAddresses.Refused;
import dev.coppice.kernel.Kernel;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ServiceAddressReconcilerTest {
    private static final ResourceType SERVICES = new ResourceType("", "v1", "services");
    private static final Key WEB = new Key("default", "web");

    private final Kernel kernel = Kernel.start();
    private final FakeResourceClient client = new FakeResourceClient(kernel.clock());

    @AfterEach
    void stop() {
        kernel.close();
    }

    private ObjectNode create() {
        ObjectNode service = JsonNodeFactory.instance.objectNode();
        service.put("apiVersion", "v1").put("kind", "Service");
        service.putObject("metadata").put("namespace", "default").put("name", "web");
        service.putObject("spec").put("type", "ClusterIP");
        return client.create(SERVICES, service);
    }

    private void reconcile(Outcome outcome, ObjectNode seen) {
        new ServiceAddressReconciler(_ -> outcome)
                .reconcile(new Request<>(WEB, Optional.of(RecordInformer.read(CoreKinds.SERVICE, seen)), client));
    }

    private String address() {
        return client.get(SERVICES, "default", "web")
                .orElseThrow()
                .at("/spec/clusterIP")
                .asText();
    }

    @Test
    void writesTheAddressOnce() {
        ObjectNode seen = create();
        reconcile(new Gets("127.96.0.1"), seen);
        ObjectNode now = client.get(SERVICES, "default", "web").orElseThrow();
        assertThat(now.at("/spec/clusterIP").asText()).isEqualTo("127.96.0.1");
        assertThat(now.at("/spec/clusterIPs/0").asText()).isEqualTo("127.96.0.1");
        reconcile(new Gets("127.96.0.2"), now);
        reconcile(new Has("127.96.0.1"), now);
        assertThat(address()).isEqualTo("127.96.0.1");
    }

    @Test
    void doesNotOverwriteWhatAUserDidMeanwhile() {
        ObjectNode seen = create();
        ObjectNode changed = seen.deepCopy();
        ((ObjectNode) changed.path("spec")).put("type", "ExternalName");
        ObjectNode _ = client.update(SERVICES, changed);
        assertThatThrownBy(() -> reconcile(new Gets("127.96.0.1"), seen))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo(409));
        assertThat(address()).isEmpty();
    }

    @Test
    void tellsWhyThereIsNone() {
        reconcile(new Refused("ClusterIPNotAllocated", "all are taken"), create());
        assertThat(address()).isEmpty();
        assertThat(client.events()).singleElement().asString().contains("ClusterIPNotAllocated", "all are taken");
    }
}
