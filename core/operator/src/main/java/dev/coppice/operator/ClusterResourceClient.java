package dev.coppice.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.request.Json;
import dev.coppice.control.runtime.EventSeries;
import dev.coppice.control.runtime.ObjectCache;
import dev.coppice.operator.ClusterConnection.Call;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The resource API of a Kubernetes cluster. Lists come in chunks; watches are chunked streams with bookmarks. Safe for use by many
 * threads.
 */
public final class ClusterResourceClient implements ResourceClient {
    private static final int CHUNK = 500;
    private static final String TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

    private final ClusterConnection connection;
    private final String manager;
    private final Duration limit;
    private final BooleanSupplier mayWrite;
    private final EventSeries events;

    /** A client that may always write. {@code limit} is how long a request may take. */
    public ClusterResourceClient(ClusterConnection connection, String manager, Duration limit) {
        this(connection, manager, limit, () -> true);
    }

    /**
     * A client.
     *
     * @param manager the field manager of what it writes
     * @param limit how long a request may take
     * @param mayWrite asked before every write; what must not be written is refused with 503 and not sent
     */
    public ClusterResourceClient(
            ClusterConnection connection, String manager, Duration limit, BooleanSupplier mayWrite) {
        this.connection = connection;
        this.manager = manager;
        this.limit = limit;
        this.mayWrite = mayWrite;
        this.events = new EventSeries(connection.kernel(), this, manager);
    }

    @Override
    public Optional<ObjectNode> get(ResourceType type, String namespace, String name) {
        try {
            return Optional.of(connection.send(Call.get("get", ClusterPaths.object(type, namespace, name, "")), limit));
        } catch (ApiException e) {
            if (e.code() == 404) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public Listing list(ResourceType type, Query query) {
        List<ObjectNode> items = new ArrayList<>();
        try {
            String resourceVersion = chunks(type, query, CHUNK, items::add);
            return new Listing(items, resourceVersion);
        } catch (ApiException e) {
            if (e.code() != 410) {
                throw e;
            }
            // The cluster forgot the state that the chunks were of; the whole at once comes from the present one.
            items.clear();
            String resourceVersion = chunks(type, query, 0, items::add);
            return new Listing(items, resourceVersion);
        }
    }

    /** Lists in chunks of a size; 0 lists all at once. Gives the resourceVersion of all of them. */
    private String chunks(ResourceType type, Query query, int size, Consumer<ObjectNode> items) {
        String next = "";
        while (true) {
            String target = ClusterPaths.collection(type, query.namespace()) + "?limit=" + size
                    + ClusterPaths.parameter("continue", next) + ClusterPaths.selectors(query);
            ObjectNode list = connection.send(Call.get("list", target), limit);
            for (JsonNode item : list.path("items")) {
                items.accept(whole((ObjectNode) item, list));
            }
            next = Json.text(list, "metadata", "continue");
            if (next.isEmpty()) {
                return Json.text(list, "metadata", "resourceVersion");
            }
        }
    }

    /** Built-in kinds come in lists without their type. */
    private static ObjectNode whole(ObjectNode item, ObjectNode list) {
        if (!item.hasNonNull("kind")) {
            String kind = list.path("kind").asText("");
            item.put("kind", kind.endsWith("List") ? kind.substring(0, kind.length() - "List".length()) : kind);
            item.put("apiVersion", list.path("apiVersion").asText(""));
        }
        return item;
    }

    private ObjectNode write(String verb, String method, String target, String contentType, ObjectNode body) {
        if (!mayWrite.getAsBoolean()) {
            connection.metrics().fenced.inc();
            throw ClusterConnection.unavailable(
                    "not sent: this process no longer holds its lease, and another one may write already");
        }
        return connection.send(Call.with(verb, method, target, contentType, body), limit);
    }

    private String managed(String target) {
        return target + "?fieldManager=" + manager;
    }

    private static String objectPath(ResourceType type, ObjectNode object, String subresource) {
        Key key = ObjectCache.key(object);
        return ClusterPaths.object(type, key.namespace(), key.name(), subresource);
    }

    @Override
    public ObjectNode create(ResourceType type, ObjectNode object) {
        String namespace = ObjectCache.key(object).namespace();
        return write("create", "POST", managed(ClusterPaths.collection(type, namespace)), "application/json", object);
    }

    @Override
    public ObjectNode update(ResourceType type, ObjectNode object) {
        return write("update", "PUT", managed(objectPath(type, object, "")), "application/json", object);
    }

    @Override
    public ObjectNode updateStatus(ResourceType type, ObjectNode object) {
        return write("update", "PUT", managed(objectPath(type, object, "status")), "application/json", object);
    }

    @Override
    public ObjectNode mergePatch(
            ResourceType type, String namespace, String name, @Nullable String subresource, ObjectNode patch) {
        String target = ClusterPaths.object(type, namespace, name, Objects.requireNonNullElse(subresource, ""));
        return write("patch", "PATCH", managed(target), "application/merge-patch+json", patch);
    }

    @Override
    public ObjectNode apply(ResourceType type, ObjectNode object, String fieldManager, boolean force) {
        String target = objectPath(type, object, "") + "?fieldManager=" + fieldManager + "&force=" + force;
        return write("apply", "PATCH", target, "application/apply-patch+yaml", object);
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name) {
        return delete(type, namespace, name, Json.object());
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name, Deletion deletion) {
        ObjectNode options = Json.object()
                .put(
                        "propagationPolicy",
                        switch (deletion.propagation()) {
                            case BACKGROUND -> "Background";
                            case FOREGROUND -> "Foreground";
                            case ORPHAN -> "Orphan";
                        });
        if (deletion.uid() != null) {
            options.putObject("preconditions").put("uid", deletion.uid());
        }
        return delete(type, namespace, name, options);
    }

    private boolean delete(ResourceType type, String namespace, String name, ObjectNode options) {
        options.put("apiVersion", "v1").put("kind", "DeleteOptions");
        try {
            ObjectNode _ = write(
                    "delete", "DELETE", ClusterPaths.object(type, namespace, name, ""), "application/json", options);
            return true;
        } catch (ApiException e) {
            if (e.code() == 404) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public Watch watch(ResourceType type, Query query, String resourceVersion, WatchObserver observer) {
        String from = resourceVersion.isEmpty() ? now(type, query) : resourceVersion;
        ClusterWatch watch = new ClusterWatch(connection, type, query, from, observer);
        watch.start();
        return watch;
    }

    /** In Kubernetes a watch from nowhere begins with all there is. */
    private String now(ResourceType type, Query query) {
        String target = ClusterPaths.collection(type, query.namespace()) + "?limit=1" + ClusterPaths.selectors(query);
        return Json.text(connection.send(Call.get("list", target), limit), "metadata", "resourceVersion");
    }

    @Override
    public void event(ObjectNode regarding, String type, String reason, String note) {
        events.write(regarding, type, reason, note);
    }

    @Override
    public List<ServedType> types() {
        List<ServedType> types = new ArrayList<>();
        versions(types, "", "v1");
        for (JsonNode group : connection.send(Call.get("get", "/apis"), limit).path("groups")) {
            for (JsonNode version : group.path("versions")) {
                versions(
                        types,
                        group.path("name").asText(),
                        version.path("version").asText());
            }
        }
        return List.copyOf(types);
    }

    private void versions(List<ServedType> types, String group, String version) {
        String target = group.isEmpty() ? "/api/" + version : "/apis/" + group + "/" + version;
        ObjectNode found;
        try {
            found = connection.send(Call.get("get", target), limit);
        } catch (ApiException e) {
            if (e.code() == 404 || e.code() == 503) {
                return; // an aggregated API that does not answer hides its own types only
            }
            throw e;
        }
        for (JsonNode each : found.path("resources")) {
            String plural = each.path("name").asText();
            if (!plural.contains("/")) {
                types.add(new ServedType(
                        new ResourceType(group, version, plural),
                        each.path("kind").asText(),
                        each.path("namespaced").asBoolean(),
                        Json.list(each.path("verbs")),
                        Json.list(each.path("categories"))));
            }
        }
    }

    @Override
    public ObjectNode table(ResourceType type, Query query) {
        String target = ClusterPaths.collection(type, query.namespace()) + "?includeObject=Metadata"
                + ClusterPaths.selectors(query);
        return connection.send(new Call("list", "GET", target, TABLE, "", null), limit);
    }

    @Override
    public String toString() {
        return "the API of " + connection.server().toLowerCase(Locale.ROOT);
    }
}
