package dev.coppice.control.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.resource.Subresource;
import dev.coppice.schema.openapi.ApiType;
import dev.coppice.serving.Exchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The OpenAPI documents, v2 and v3, made lazily for every state of the registry. Safe for use by many threads. */
public final class OpenApi {
    private static final String VERSION = "v1.32.13+coppice";
    private static final String GNOSTIC = "com.github.proto-openapi.spec.v2@v1.0+protobuf";

    private final Registry registry;
    private volatile Cached cached = new Cached(-1, new ConcurrentHashMap<>());

    private record Cached(long generation, Map<String, Discovery.Document> documents) {}

    public OpenApi(Registry registry) {
        this.registry = registry;
    }

    void handle(Exchange exchange, List<String> parts) throws IOException {
        String version = parts.isEmpty() ? "" : parts.getFirst();
        if (version.equals("v2") && parts.size() == 1) {
            if (exchange.header("Accept").orElse("").contains(GNOSTIC)) {
                gnostic(exchange);
                return;
            }
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
                        case "v2" -> dev.coppice.schema.openapi.OpenApi.v2(types(List.copyOf(snapshot.all())), VERSION);
                        case "v3" -> index(snapshot);
                        default -> v3(of(snapshot, name));
                    });
            there = new Discovery.Document(body, '"' + Discovery.hash(body) + '"');
            known.documents.put(name, there);
        }
        return there;
    }

    private static ObjectNode v3(List<Definition> definitions) {
        ObjectNode document = dev.coppice.schema.openapi.OpenApi.v3(types(definitions), VERSION);
        if (definitions.stream().anyMatch(Definition::custom)) {
            // Custom types take no strategic merge patches; kubectl looks here before it sends one.
            for (JsonNode path : document.path("paths")) {
                if (path.path("patch").path("requestBody").path("content") instanceof ObjectNode content) {
                    content.remove("application/strategic-merge-patch+json");
                }
            }
        }
        return document;
    }

    private static List<Definition> of(Registry.Snapshot snapshot, String path) {
        String[] parts = path.split("/");
        return parts.length == 2 ? snapshot.of("", parts[1]) : snapshot.of(parts[1], parts[2]);
    }

    private static List<ApiType> types(List<Definition> definitions) {
        return definitions.stream()
                .map(d -> new ApiType(
                        d.group(),
                        d.version(),
                        d.kind(),
                        d.plural(),
                        d.namespaced(),
                        d.verbs(),
                        d.subresources().stream().map(Subresource::name).toList(),
                        d.custom() ? d.schema().json() : null))
                .toList();
    }

    /**
     * The v2 document in the protobuf form that kubectl asks for, without paths and definitions: clients that get them in
     * v3 look here only for types that no server has.
     */
    private static void gnostic(Exchange exchange) throws IOException {
        ByteArrayOutputStream info = new ByteArrayOutputStream();
        text(info, 1, "Kubernetes");
        text(info, 2, VERSION);
        ByteArrayOutputStream document = new ByteArrayOutputStream();
        text(document, 1, "2.0");
        part(document, 2, info.toByteArray());
        part(document, 8, new byte[0]);
        part(document, 9, new byte[0]);
        exchange.status(200).setHeader("Content-Type", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
        exchange.send(document.toByteArray());
    }

    private static void text(ByteArrayOutputStream out, int field, String value) {
        part(out, field, value.getBytes(StandardCharsets.UTF_8));
    }

    private static void part(ByteArrayOutputStream out, int field, byte[] value) {
        out.write(field << 3 | 2);
        out.write(value.length);
        out.writeBytes(value);
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
            StringBuilder content = new StringBuilder(path);
            of(snapshot, path)
                    .forEach(d -> content.append(d.plural())
                            .append(d.custom() ? Json.text(d.schema().json()) : ""));
            String hash = Discovery.hash(content.toString().getBytes(StandardCharsets.UTF_8));
            all.putObject(path).put("serverRelativeURL", "/openapi/v3/" + path + "?hash=" + hash);
        }
        return index;
    }
}
