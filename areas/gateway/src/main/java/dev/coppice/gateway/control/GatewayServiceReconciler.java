package dev.coppice.gateway.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.gateway.control.CoreKinds.Nothing;
import dev.coppice.gateway.kind.GatewayKinds;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes the Service that stands for a Gateway, keeps it as the Gateway says, and takes it away when the Gateway wants none; with the Gateway itself it goes
 * by its owner reference. A Service that somebody else made is left alone, which an event of the Gateway tells. What others add to ours stays.
 */
final class GatewayServiceReconciler implements Reconciler<Nothing, Nothing> {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final ObjectMapper READER = new ObjectMapper();

    /** Which labels and annotations came from the Gateway: so they can be taken away again. */
    private static final String CARRIED = "gateway.coppice.dev/infrastructure";

    /** So that nobody else balances load for it. */
    private static final String LOAD_BALANCER_CLASS = "coppice.dev/gateway";

    private final Function<Key, @Nullable GatewayService> wanted;
    private final BooleanSupplier known;

    /**
     * @param wanted by the key of the Service
     * @param known whether it is known now which Services are wanted, and to be told here
     */
    GatewayServiceReconciler(Function<Key, @Nullable GatewayService> wanted, BooleanSupplier known) {
        this.wanted = wanted;
        this.known = known;
    }

    @Override
    public Result reconcile(Request<Nothing, Nothing> request) {
        if (!known.getAsBoolean()) {
            return Result.DONE;
        }
        GatewayService service = wanted.apply(request.key());
        ObjectNode before = request.resource().map(each -> each.tree()).orElse(null);
        ResourceClient client = request.resources();
        if (service == null) {
            if (before != null && made(before)) {
                remove(client, before);
            }
        } else if (before == null) {
            // Its status comes when it is seen.
            ObjectNode _ = client.create(CoreKinds.SERVICE.type(), fresh(service));
        } else if (owned(before, service)) {
            update(client, before, service);
        } else {
            client.event(
                    service.gateway(),
                    "Warning",
                    "ServiceExists",
                    "spec.infrastructure: the Service " + service.key()
                            + " that would carry its labels and annotations is somebody else's; rename one of both");
        }
        return Result.DONE;
    }

    /** Whether a Service was made here, for whichever Gateway. */
    private static boolean made(JsonNode service) {
        return service.path("metadata")
                        .path("labels")
                        .path(GatewayService.MANAGED_BY)
                        .asText("")
                        .equals(GatewayService.MANAGER)
                && owner(service) != null;
    }

    private static boolean owned(JsonNode service, GatewayService by) {
        JsonNode owner = owner(service);
        return made(service)
                && owner != null
                && owner.path("uid")
                        .asText("")
                        .equals(by.gateway().path("metadata").path("uid").asText(""));
    }

    private static @Nullable JsonNode owner(JsonNode service) {
        for (JsonNode each : service.path("metadata").path("ownerReferences")) {
            if (each.path("kind").asText("").equals("Gateway")
                    && each.path("apiVersion").asText("").startsWith(GatewayKinds.GROUP + "/")
                    && each.path("controller").asBoolean()) {
                return each;
            }
        }
        return null;
    }

    private static void remove(ResourceClient client, ObjectNode service) {
        JsonNode metadata = service.path("metadata");
        try {
            boolean _ = client.delete(
                    CoreKinds.SERVICE.type(),
                    metadata.path("namespace").asText(""),
                    metadata.path("name").asText(""),
                    new Deletion(
                            Deletion.Propagation.BACKGROUND,
                            metadata.path("uid").asText("")));
        } catch (ApiException e) {
            // Somebody made another one meanwhile.
            if (e.code() != 409) {
                throw e;
            }
        }
    }

    private static ObjectNode fresh(GatewayService service) {
        ObjectNode made = JSON.objectNode();
        made.put("apiVersion", "v1").put("kind", "Service");
        ObjectNode metadata = made.putObject("metadata");
        metadata.put("namespace", service.key().namespace())
                .put("name", service.key().name());
        JsonNode gateway = service.gateway().path("metadata");
        metadata.putArray("ownerReferences")
                .addObject()
                .put("apiVersion", GatewayKinds.GROUP + "/v1")
                .put("kind", "Gateway")
                .put("name", gateway.path("name").asText(""))
                .put("uid", gateway.path("uid").asText(""))
                .put("controller", true)
                .put("blockOwnerDeletion", false);
        carry(metadata.putObject("labels"), service.labels(), JSON.arrayNode());
        carry(metadata.putObject("annotations"), annotations(service), JSON.arrayNode());
        ObjectNode spec = made.putObject("spec");
        spec.put("type", "LoadBalancer")
                .put("loadBalancerClass", LOAD_BALANCER_CLASS)
                .put("allocateLoadBalancerNodePorts", false);
        spec.set("ports", ports(service));
        return made;
    }

    private static void update(ResourceClient client, ObjectNode before, GatewayService service) {
        ObjectNode patch = JSON.objectNode();
        JsonNode metadata = before.path("metadata");
        JsonNode carried = carried(metadata.path("annotations").path(CARRIED).asText(""));
        ObjectNode labels = JSON.objectNode();
        carry(labels, service.labels(), carried.path("labels"));
        ObjectNode annotations = JSON.objectNode();
        carry(annotations, annotations(service), carried.path("annotations"));
        boolean same = holds(metadata.path("labels"), labels) && holds(metadata.path("annotations"), annotations);
        if (!same) {
            patch.putObject("metadata").<ObjectNode>set("labels", labels).set("annotations", annotations);
        }
        if (!samePorts(before.path("spec").path("ports"), service)) {
            patch.putObject("spec").set("ports", ports(service));
        }
        Key key = service.key();
        if (!patch.isEmpty()) {
            patch.withObject("/metadata")
                    .put("resourceVersion", metadata.path("resourceVersion").asText());
            ObjectNode _ = client.mergePatch(CoreKinds.SERVICE.type(), key.namespace(), key.name(), null, patch);
        }
        ArrayNode addresses = JSON.arrayNode();
        service.addresses().forEach(each -> addresses.addObject().put("ip", each));
        if (!addresses(before).equals(service.addresses())) {
            ObjectNode status = JSON.objectNode();
            status.putObject("status").putObject("loadBalancer").set("ingress", addresses);
            ObjectNode _ = client.mergePatch(CoreKinds.SERVICE.type(), key.namespace(), key.name(), "status", status);
        }
    }

    private static List<String> addresses(JsonNode service) {
        List<String> all = new ArrayList<>();
        service.path("status")
                .path("loadBalancer")
                .path("ingress")
                .forEach(each -> all.add(each.path("ip").asText("")));
        return all;
    }

    /** With a note of which they are. */
    private static Map<String, String> annotations(GatewayService service) {
        ObjectNode note = JSON.objectNode();
        ArrayNode labels = note.putArray("labels");
        new TreeSet<>(service.labels().keySet()).forEach(labels::add);
        ArrayNode annotations = note.putArray("annotations");
        new TreeSet<>(service.annotations().keySet()).forEach(annotations::add);
        Map<String, String> all = new HashMap<>(service.annotations());
        all.put(CARRIED, note.toString());
        return all;
    }

    private static JsonNode carried(String note) {
        try {
            return READER.readTree(note);
        } catch (JsonProcessingException e) {
            // Somebody wrote over it: what was carried stays.
            return JSON.objectNode();
        }
    }

    /** Sets what is wanted, and takes away what was carried and is no longer. */
    private static void carry(ObjectNode to, Map<String, String> wanted, JsonNode before) {
        before.forEach(each -> to.putNull(each.asText("")));
        wanted.forEach(to::put);
    }

    /** Whether a merge patch of a map would change nothing. */
    private static boolean holds(JsonNode map, ObjectNode patch) {
        return patch.properties().stream()
                .allMatch(each -> each.getValue().isNull()
                        ? !map.has(each.getKey())
                        : each.getValue().equals(map.path(each.getKey())));
    }

    private static ArrayNode ports(GatewayService service) {
        ArrayNode all = JSON.arrayNode();
        service.ports()
                .forEach(each -> all.addObject()
                        .put("name", each.name())
                        .put("port", each.number())
                        .put("protocol", each.datagrams() ? "UDP" : "TCP"));
        return all;
    }

    private static boolean samePorts(JsonNode ports, GatewayService service) {
        List<GatewayService.Port> all = new ArrayList<>();
        ports.forEach(each -> all.add(new GatewayService.Port(
                each.path("port").asInt(), each.path("protocol").asText("TCP").equals("UDP"))));
        return all.equals(service.ports());
    }
}
