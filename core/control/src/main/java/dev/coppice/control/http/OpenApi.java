package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.serving.Exchange;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The OpenAPI documents, v2 and v3, made lazily for every state of the registry. Safe for use by many threads. */
public final class OpenApi {
    private final Registry registry;
    private volatile Cached cached = new Cached(-1, new ConcurrentHashMap<>());

    private record Cached(long generation, Map<String, Discovery.Document> documents) {}

    public OpenApi(Registry registry) {
        this.registry = registry;
    }

    void handle(Exchange exchange, List<String> parts) throws IOException {
        String version = parts.isEmpty() ? "" : parts.getFirst();
        if (version.equals("v2") && parts.size() == 1) {
            ApiHandler.send(exchange, document("v2"), "application/json");
        } else if (version.equals("v3") && parts.size() == 1) {
            ApiHandler.send(exchange, document("v3"), "application/json");
        } else if (version.equals("v3")) {
            String path = String.join("/", parts.subList(1, parts.size()));
            if (!paths(registry.snapshot()).contains(path)) {
                ApiHandler.notFound(exchange);
                return;
            }
            ApiHandler.send(exchange, document(path), "application/json");
        } else {
            ApiHandler.notFound(exchange);
        }
    }

    private Discovery.Document document(String name) {
        Registry.Snapshot snapshot = registry.snapshot();
        Cached known = cached;
        if (known.generation != snapshot.generation()) {
            known = new Cached(snapshot.generation(), new ConcurrentHashMap<>());
            cached = known;
        }
        Discovery.Document there = known.documents.get(name);
        if (there == null) {
            byte[] body = Json.bytes(
                    switch (name) {
                        case "v2" -> OpenApiDocuments.v2(snapshot);
                        case "v3" -> index(snapshot);
                        default -> OpenApiDocuments.v3(snapshot, name);
                    });
            there = new Discovery.Document(body, '"' + Discovery.hash(body) + '"');
            known.documents.put(name, there);
        }
        return there;
    }

    private static String path(Definition d) {
        return d.group().isEmpty() ? "api/" + d.version() : "apis/" + d.group() + "/" + d.version();
    }

    private static Set<String> paths(Registry.Snapshot snapshot) {
        Set<String> paths = new LinkedHashSet<>();
        snapshot.all().forEach(d -> paths.add(path(d)));
        return paths;
    }

    private static ObjectNode index(Registry.Snapshot snapshot) {
        ObjectNode index = Json.object();
        ObjectNode all = index.putObject("paths");
        for (String path : paths(snapshot)) {
            String hash = Discovery.hash((path + OpenApiDocuments.fingerprint(snapshot, path))
                    .getBytes(java.nio.charset.StandardCharsets.UTF_8));
            all.putObject(path).put("serverRelativeURL", "/openapi/v3/" + path + "?hash=" + hash);
        }
        return index;
    }
}
