package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the addresses of Services by the names that they have for pods, as a cluster's DNS does: {@code NAME}, {@code NAME.NAMESPACE}, each with what
 * may follow. A request that names no host goes to the Service that the route of the test has as a parent.
 */
final class MeshTargets {
    private static final int HTTP = 80;

    private final ResourceApi api;
    private final List<JsonNode> documents;

    /** @param documents of the test */
    MeshTargets(ResourceApi api, List<JsonNode> documents) {
        this.api = api;
        this.documents = documents;
    }

    /**
     * The address and port of a Service; null when there is none of that name.
     *
     * @param host with the port, if it is not the usual one; empty for none
     * @param namespace of the client
     * @param from the address of the client
     */
    @Nullable
    Target of(String host, String namespace, String from) throws IOException, InterruptedException {
        if (host.isEmpty()) {
            return parent(from);
        }
        String name = host.replaceFirst(":\\d+$", "");
        int port = name.equals(host) ? HTTP : Integer.parseInt(host.substring(name.length() + 1));
        if (name.matches("[0-9.]+")) {
            return new Target(name, port, null, from);
        }
        // Names of variables that were not resolved have capitals, which names of Services cannot have.
        if (!name.matches("[a-z0-9.-]+")) {
            return null;
        }
        String[] parts = name.split("\\.");
        return service(parts.length > 1 ? parts[1] : namespace, parts[0], port, from);
    }

    private @Nullable Target parent(String from) throws IOException, InterruptedException {
        for (JsonNode document : documents) {
            for (JsonNode parent : document.at("/spec/parentRefs")) {
                if (parent.path("kind").asText().equals("Service")) {
                    return service(
                            parent.path("namespace")
                                    .asText(document.at("/metadata/namespace").asText()),
                            parent.path("name").asText(),
                            parent.path("port").asInt(HTTP),
                            from);
                }
            }
        }
        return null;
    }

    private @Nullable Target service(String namespace, String name, int port, String from)
            throws IOException, InterruptedException {
        JsonNode service = api.get("Service", namespace + "/" + name);
        String address = service.at("/spec/clusterIP").asText();
        return address.isEmpty() ? null : new Target(address, port, null, from);
    }
}
