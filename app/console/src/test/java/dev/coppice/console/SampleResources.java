package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A resource API in memory, with a few kinds and objects. */
final class SampleResources implements ResourceClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    static final ResourceType CHECKS = new ResourceType("health.coppice.dev", "v1", "healthchecks");
    static final ResourceType SECRETS = new ResourceType("", "v1", "secrets");
    static final ResourceType NAMESPACES = new ResourceType("", "v1", "namespaces");
    static final ResourceType EVENTS = new ResourceType("", "v1", "events");

    private final ConcurrentSkipListMap<String, ObjectNode> objects = new ConcurrentSkipListMap<>();
    private final List<WatchObserver> observers = new CopyOnWriteArrayList<>();

    static ObjectNode tree(String json) {
        try {
            return (ObjectNode) JSON.readTree(json);
        } catch (java.io.IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static String key(ResourceType type, String namespace, String name) {
        return type + "|" + namespace + "|" + name;
    }

    void put(ResourceType type, String json) {
        ObjectNode object = tree(json);
        JsonNode metadata = object.path("metadata");
        objects.put(
                key(
                        type,
                        metadata.path("namespace").asText(""),
                        metadata.path("name").asText()),
                object);
        observers.forEach(o -> o.event(EventType.MODIFIED, object));
    }

    @Override
    public Optional<ObjectNode> get(ResourceType type, String namespace, String name) {
        return Optional.ofNullable(objects.get(key(type, namespace, name)));
    }

    @Override
    public Listing list(ResourceType type, Query query) {
        List<ObjectNode> items = new ArrayList<>();
        objects.forEach((key, object) -> {
            String namespace = object.path("metadata").path("namespace").asText("");
            boolean named = query.fieldSelector().isEmpty()
                    || query.fieldSelector()
                            .endsWith("="
                                    + object.path("involvedObject").path("name").asText());
            if (key.startsWith(type + "|")
                    && (query.namespace().isEmpty() || query.namespace().equals(namespace))
                    && named) {
                items.add(object);
            }
        });
        return new Listing(items, "1");
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name) {
        ObjectNode gone = objects.remove(key(type, namespace, name));
        if (gone != null) {
            observers.forEach(o -> o.event(EventType.DELETED, gone));
        }
        return gone != null;
    }

    @Override
    public Watch watch(ResourceType type, Query query, String resourceVersion, WatchObserver observer) {
        observers.add(observer);
        return () -> observers.remove(observer);
    }

    int watches() {
        return observers.size();
    }

    @Override
    public List<ServedType> types() {
        List<String> all = List.of("get", "list", "watch", "create", "update", "patch", "delete");
        return List.of(
                new ServedType(CHECKS, "HealthCheck", true, all, List.of("coppice")),
                new ServedType(
                        new ResourceType("health.coppice.dev", "v1", "statuspages"),
                        "StatusPage",
                        true,
                        all,
                        List.of()),
                new ServedType(NAMESPACES, "Namespace", false, all, List.of()),
                new ServedType(SECRETS, "Secret", true, all, List.of()),
                new ServedType(EVENTS, "Event", true, all, List.of()),
                new ServedType(new ResourceType("", "v1", "configmaps"), "ConfigMap", true, all, List.of()),
                new ServedType(
                        new ResourceType("rbac.authorization.k8s.io", "v1", "clusterroles"),
                        "ClusterRole",
                        false,
                        all,
                        List.of()));
    }

    @Override
    public ObjectNode table(ResourceType type, Query query) {
        ObjectNode table = tree(type.equals(CHECKS) ? """
                        {"columnDefinitions":[{"name":"Name"},{"name":"Status"},{"name":"Type"},{"name":"Latency"},
                        {"name":"Message"},{"name":"Extra","priority":1},{"name":"Age"}],"rows":[]}""" : """
                        {"columnDefinitions":[{"name":"Name"},{"name":"Age"}],"rows":[]}""");
        for (ObjectNode object : list(type, query).items()) {
            ObjectNode row = table.withArray("rows").addObject();
            var cells = row.putArray("cells");
            cells.add(object.path("metadata").path("name").asText());
            if (type.equals(CHECKS)) {
                JsonNode status = object.path("status");
                cells.add(status.path("state").asText("Unknown"))
                        .add(status.path("type").asText("http"))
                        .add(status.path("latency").asText("12 ms"))
                        .add(status.path("message").asText(""))
                        .add("x");
            }
            cells.add("5d");
            row.putObject("object").set("metadata", object.get("metadata"));
        }
        return table;
    }

    private static UnsupportedOperationException unused() {
        return new UnsupportedOperationException("not used by pages");
    }

    @Override
    public ObjectNode create(ResourceType type, ObjectNode object) {
        throw unused();
    }

    @Override
    public ObjectNode update(ResourceType type, ObjectNode object) {
        throw unused();
    }

    @Override
    public ObjectNode updateStatus(ResourceType type, ObjectNode object) {
        throw unused();
    }

    @Override
    public ObjectNode mergePatch(
            ResourceType type, String namespace, String name, @Nullable String subresource, ObjectNode patch) {
        throw unused();
    }

    @Override
    public ObjectNode apply(ResourceType type, ObjectNode object, String fieldManager, boolean force) {
        throw unused();
    }

    @Override
    public void event(ObjectNode regarding, String type, String reason, String note) {
        throw unused();
    }

    @Override
    public Optional<Map<String, byte[]>> secret(String namespace, String name) {
        throw unused();
    }

    static ApiException refused() {
        return new ApiException(tree("{\"message\":\"no\",\"code\":403,\"reason\":\"Forbidden\"}"));
    }

    /** A handful of objects to look at. */
    static SampleResources filled() {
        SampleResources resources = new SampleResources();
        for (String namespace : List.of("default", "kube-system", "shop")) {
            resources.put(NAMESPACES, """
                    {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"%s"}}""".formatted(namespace));
        }
        String[][] checks = {
            {"api", "Up", "http", "3 ms", ""},
            {"checkout", "Down", "http", "—", "connection refused by 10.0.0.7:8443"},
            {"dns-search", "Up", "dns", "1 ms", ""},
            {"certificate-shop", "Degraded", "tls", "21 ms", "the certificate ends in 9 days"},
            {"nightly-backup", "Suppressed", "heartbeat", "—", "storage is down"},
            {"postgres-primary", "Up", "postgres", "4 ms", ""}
        };
        for (String[] check : checks) {
            resources.put(CHECKS, """
                    {"apiVersion":"health.coppice.dev/v1","kind":"HealthCheck","metadata":{"name":"%s","namespace":"shop",
                    "uid":"u-%s","creationTimestamp":"2026-11-20T10:00:00Z","labels":{"team":"shop","tier":"front"},
                    "managedFields":[{"manager":"kubectl"}]},
                    "spec":{"interval":"30s","http":{"url":"https://shop.example/health","expect":{"status":["200-299"],
                    "body":"line one\\nline two <b>\\n"}},"retries":2,"enabled":true,"note":"yes","empty":{}},
                    "status":{"state":"%s","type":"%s","latency":"%s","message":"%s","conditions":[{"type":"Ready","status":"True","reason":"Probed",
                    "message":"first probe done","lastTransitionTime":"2026-11-20T10:00:03Z"}]}}""".formatted(check[0], check[0], check[1], check[2], check[3], check[4]));
        }
        resources.put(EVENTS, """
                {"apiVersion":"v1","kind":"Event","metadata":{"name":"e1","namespace":"shop"},"type":"Warning","reason":"Down",
                "message":"connection refused","count":3,"lastTimestamp":"2026-11-22T09:00:00Z",
                "involvedObject":{"kind":"HealthCheck","name":"checkout","uid":"u-checkout"}}""");
        resources.put(SECRETS, """
                {"apiVersion":"v1","kind":"Secret","metadata":{"name":"smtp","namespace":"shop","annotations":{
                "kubectl.kubernetes.io/last-applied-configuration":"{\\"data\\":\\"aHVudGVyMg==\\"}"}},
                "data":{"password":"aHVudGVyMg=="},"stringData":{"other":"hunter3"},"type":"Opaque"}""");
        return resources;
    }
}
