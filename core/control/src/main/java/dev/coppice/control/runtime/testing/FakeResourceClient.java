package dev.coppice.control.runtime.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.kernel.Clock;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A resource API in memory for tests of controllers: resource versions, conflicts, generations, finalizers, deletion,
 * sub-resources status and finalize, watches from any version. No schemas, admission or authorization; label selectors are
 * comma-separated {@code a=b}; field selectors {@code metadata.name=x} only. Calls can be made to fail. Safe for use by
 * many threads.
 */
public final class FakeResourceClient implements ResourceClient {

    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");
    private static final ResourceType SECRETS = new ResourceType("", "v1", "secrets");

    private record Change(long version, ResourceType type, EventType event, ObjectNode object) {}

    private record Watcher(ResourceType type, Query query, WatchObserver observer) implements Watch {
        @Override
        public void close() {}
    }

    private final Clock clock;
    private final Map<ResourceType, Map<Key, ObjectNode>> objects = new HashMap<>();
    private final Map<ResourceType, ServedType> served = new LinkedHashMap<>();
    private final List<Change> history = new ArrayList<>();
    private final List<Watcher> watchers = new ArrayList<>();
    private final List<String> calls = new ArrayList<>();
    private Function<String, Optional<ApiException>> faults = _ -> Optional.empty();
    private long version = 100;
    private long compacted;
    private long uids;

    public FakeResourceClient(Clock clock) {
        this.clock = clock;
    }

    // What tests do to it.

    /** Serves a type, for {@link #types}. */
    public synchronized FakeResourceClient serve(ResourceType type, String kind, boolean namespaced) {
        List<String> verbs = List.of("create", "delete", "get", "list", "patch", "update", "watch");
        served.put(type, new ServedType(type, kind, namespaced, verbs, List.of()));
        return this;
    }

    public synchronized FakeResourceClient unserve(ResourceType type) {
        served.remove(type);
        return this;
    }

    /** Makes calls fail: the function gets a call such as {@code list configmaps} or {@code mergePatch widgets a/b}. */
    public synchronized void fail(Function<String, Optional<ApiException>> faults) {
        this.faults = faults;
    }

    /** Ends all watches as a server does: in order, or with an error. */
    public synchronized void closeWatches(@Nullable ApiException error) {
        List<Watcher> all = List.copyOf(watchers);
        watchers.clear();
        all.forEach(watcher -> watcher.observer().closed(error));
    }

    /** Forgets all changes until now: watches from before get 410 Gone. */
    public synchronized void compact() {
        compacted = version;
        history.clear();
    }

    /** Calls so far, such as {@code update widgets a/b}. */
    public synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    public synchronized int watches() {
        return watchers.size();
    }

    /** A Status as the API answers with. */
    public static ApiException error(int code, String reason, String message) {
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        status.put("kind", "Status").put("apiVersion", "v1").put("status", "Failure");
        status.put("message", message).put("reason", reason).put("code", code);
        return new ApiException(status);
    }

    private void called(String verb, ResourceType type, String namespace, String name) {
        String call = (verb + " " + type.plural() + " " + (namespace.isEmpty() ? name : namespace + "/" + name)).trim();
        calls.add(call);
        Optional<ApiException> fault = faults.apply(call);
        if (fault.isPresent()) {
            throw fault.get();
        }
    }

    // The API.

    @Override
    public synchronized Optional<ObjectNode> get(ResourceType type, String namespace, String name) {
        called("get", type, namespace, name);
        return Optional.ofNullable(of(type).get(new Key(namespace, name))).map(ObjectNode::deepCopy);
    }

    @Override
    public synchronized Listing list(ResourceType type, Query query) {
        called("list", type, query.namespace(), "");
        List<ObjectNode> items = of(type).values().stream()
                .filter(object -> matches(object, query))
                .map(ObjectNode::deepCopy)
                .toList();
        return new Listing(items, Long.toString(version));
    }

    @Override
    public synchronized ObjectNode create(ResourceType type, ObjectNode object) {
        ObjectNode made = object.deepCopy();
        ObjectNode metadata = metadata(made);
        String generate = metadata.path("generateName").asText("");
        if (!metadata.hasNonNull("name") && !generate.isEmpty()) {
            metadata.put("name", generate + Long.toString(1_000_000 + uids, 36));
        }
        Key key = key(made);
        called("create", type, key.namespace(), key.name());
        if (of(type).containsKey(key)) {
            throw error(409, "AlreadyExists", type.plural() + " \"" + key.name() + "\" already exists");
        }
        metadata.put("uid", new UUID(7, ++uids).toString());
        metadata.put("creationTimestamp", now());
        metadata.put("generation", 1);
        return store(type, made, EventType.ADDED);
    }

    @Override
    public synchronized ObjectNode update(ResourceType type, ObjectNode object) {
        Key key = key(object);
        called("update", type, key.namespace(), key.name());
        ObjectNode next = object.deepCopy();
        ObjectNode current = existing(type, key);
        keep(current, next, "status");
        return replace(type, current, next);
    }

    @Override
    public synchronized ObjectNode updateStatus(ResourceType type, ObjectNode object) {
        Key key = key(object);
        called("updateStatus", type, key.namespace(), key.name());
        ObjectNode current = existing(type, key);
        ObjectNode next = current.deepCopy();
        keep(object, next, "status");
        if (object.path("metadata").has("resourceVersion")) {
            metadata(next).set("resourceVersion", object.path("metadata").get("resourceVersion"));
        }
        return replace(type, current, next);
    }

    @Override
    public synchronized ObjectNode mergePatch(
            ResourceType type, String namespace, String name, @Nullable String subresource, ObjectNode patch) {
        called(subresource == null ? "mergePatch" : "mergePatch/" + subresource, type, namespace, name);
        ObjectNode current = existing(type, new Key(namespace, name));
        ObjectNode next = current.deepCopy();
        merge(next, patch);
        if ("status".equals(subresource)) {
            keep(current, next, "spec");
        } else if (!"finalize".equals(subresource)) {
            keep(current, next, "status");
        }
        return replace(type, current, next);
    }

    @Override
    public synchronized ObjectNode apply(ResourceType type, ObjectNode object, String fieldManager, boolean force) {
        Key key = key(object);
        if (!of(type).containsKey(key)) {
            return create(type, object);
        }
        return mergePatch(type, key.namespace(), key.name(), null, object);
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name) {
        return delete(type, namespace, name, new Deletion(Deletion.Propagation.BACKGROUND, null));
    }

    @Override
    public synchronized boolean delete(ResourceType type, String namespace, String name, Deletion deletion) {
        called("delete", type, namespace, name);
        ObjectNode current = of(type).get(new Key(namespace, name));
        if (current == null) {
            return false;
        }
        String uid = current.path("metadata").path("uid").asText();
        if (deletion.uid() != null && !deletion.uid().equals(uid)) {
            throw error(409, "Conflict", "the uid of " + name + " is " + uid);
        }
        ObjectNode next = current.deepCopy();
        ObjectNode metadata = metadata(next);
        switch (deletion.propagation()) {
            case FOREGROUND -> addFinalizer(metadata, "foregroundDeletion");
            case ORPHAN -> addFinalizer(metadata, "orphan");
            case BACKGROUND -> {}
        }
        if (!metadata.has("deletionTimestamp")) {
            metadata.put("deletionTimestamp", now());
            metadata.put("deletionGracePeriodSeconds", 0);
        }
        if (type.plural().equals("namespaces")) {
            next.withObject("/status").put("phase", "Terminating");
        }
        if (next.equals(current)) {
            return true;
        }
        if (held(next)) {
            ObjectNode _ = store(type, next, EventType.MODIFIED);
        } else {
            ObjectNode _ = remove(type, next);
        }
        return true;
    }

    @Override
    public synchronized Watch watch(ResourceType type, Query query, String resourceVersion, WatchObserver observer) {
        called("watch", type, query.namespace(), "");
        long from = resourceVersion.isEmpty() ? version : Long.parseLong(resourceVersion);
        Watcher watcher = new Watcher(type, query, observer);
        if (from < compacted) {
            observer.closed(error(410, "Expired", "too old resource version: " + from + " (" + compacted + ")"));
            return watcher;
        }
        for (Change change : history) {
            if (change.version() > from) {
                send(watcher, change);
            }
        }
        watchers.add(watcher);
        return () -> {
            synchronized (FakeResourceClient.this) {
                watchers.remove(watcher);
            }
        };
    }

    @Override
    public synchronized void event(ObjectNode regarding, String type, String reason, String note) {
        ObjectNode event = JsonNodeFactory.instance.objectNode();
        event.put("apiVersion", "v1").put("kind", "Event");
        Key key = key(regarding);
        event.putObject("metadata")
                .put("generateName", key.name() + ".")
                .put("namespace", key.namespace().isEmpty() ? "default" : key.namespace());
        event.putObject("involvedObject").put("name", key.name()).put("namespace", key.namespace());
        event.put("type", type).put("reason", reason).put("message", note).put("lastTimestamp", now());
        ObjectNode _ = create(EVENTS, event);
    }

    /** The events recorded, as {@code Warning Reason: note}. */
    public synchronized List<String> events() {
        return of(EVENTS).values().stream()
                .map(event ->
                        event.path("type").asText() + " " + event.path("reason").asText() + ": "
                                + event.path("message").asText())
                .toList();
    }

    @Override
    public synchronized Optional<Map<String, byte[]>> secret(String namespace, String name) {
        ObjectNode secret = of(SECRETS).get(new Key(namespace, name));
        if (secret == null) {
            return Optional.empty();
        }
        Map<String, byte[]> data = new LinkedHashMap<>();
        secret.path("data")
                .properties()
                .forEach(e -> data.put(
                        e.getKey(), Base64.getDecoder().decode(e.getValue().asText())));
        secret.path("stringData")
                .properties()
                .forEach(e -> data.put(e.getKey(), e.getValue().asText().getBytes(StandardCharsets.UTF_8)));
        return Optional.of(data);
    }

    @Override
    public synchronized List<ServedType> types() {
        return List.copyOf(served.values());
    }

    @Override
    public ObjectNode table(ResourceType type, Query query) {
        throw new UnsupportedOperationException("the fake makes no tables");
    }

    // How it works.

    private Map<Key, ObjectNode> of(ResourceType type) {
        return objects.computeIfAbsent(
                type,
                _ -> new TreeMap<>(
                        java.util.Comparator.comparing(Key::namespace).thenComparing(Key::name)));
    }

    private ObjectNode existing(ResourceType type, Key key) {
        ObjectNode current = of(type).get(key);
        if (current == null) {
            throw error(404, "NotFound", type.plural() + " \"" + key.name() + "\" not found");
        }
        return current;
    }

    private ObjectNode replace(ResourceType type, ObjectNode current, ObjectNode next) {
        String given = next.path("metadata").path("resourceVersion").asText("");
        String actual = current.path("metadata").path("resourceVersion").asText();
        String uid = next.path("metadata").path("uid").asText("");
        boolean other = !uid.isEmpty()
                && !uid.equals(current.path("metadata").path("uid").asText());
        if (!given.isEmpty() && !given.equals(actual) || other) {
            throw error(409, "Conflict", "the object has been modified; apply your changes to the latest version");
        }
        ObjectNode metadata = metadata(next);
        for (String kept : List.of("uid", "creationTimestamp", "deletionTimestamp", "generation", "resourceVersion")) {
            keep(metadata(current), metadata, kept);
        }
        if (next.equals(current)) {
            return current.deepCopy();
        }
        if (!next.path("spec").equals(current.path("spec"))) {
            metadata.put("generation", metadata.path("generation").asLong() + 1);
        }
        if (metadata.has("deletionTimestamp") && !held(next)) {
            return remove(type, next);
        }
        return store(type, next, EventType.MODIFIED);
    }

    private static boolean held(ObjectNode object) {
        return !object.path("metadata").path("finalizers").isEmpty()
                || !object.path("spec").path("finalizers").isEmpty();
    }

    private ObjectNode store(ResourceType type, ObjectNode object, EventType event) {
        metadata(object).put("resourceVersion", Long.toString(++version));
        of(type).put(key(object), object);
        tell(new Change(version, type, event, object));
        return object.deepCopy();
    }

    private ObjectNode remove(ResourceType type, ObjectNode object) {
        metadata(object).put("resourceVersion", Long.toString(++version));
        of(type).remove(key(object));
        tell(new Change(version, type, EventType.DELETED, object));
        return object.deepCopy();
    }

    private void tell(Change change) {
        history.add(change);
        List.copyOf(watchers).forEach(watcher -> send(watcher, change));
    }

    private static void send(Watcher watcher, Change change) {
        if (watcher.type().equals(change.type()) && matches(change.object(), watcher.query())) {
            watcher.observer().event(change.event(), change.object().deepCopy());
        }
    }

    private static boolean matches(ObjectNode object, Query query) {
        JsonNode metadata = object.path("metadata");
        if (!query.namespace().isEmpty()
                && !query.namespace().equals(metadata.path("namespace").asText())) {
            return false;
        }
        for (String term : query.labelSelector().split(",", -1)) {
            String[] sides = term.split("=+", 2);
            if (sides.length == 2
                    && !metadata.path("labels").path(sides[0]).asText("").equals(sides[1])) {
                return false;
            }
        }
        String field = query.fieldSelector();
        return !field.startsWith("metadata.name=")
                || field.substring("metadata.name=".length())
                        .equals(metadata.path("name").asText());
    }

    private static void merge(ObjectNode target, ObjectNode patch) {
        patch.properties().forEach(field -> {
            JsonNode value = field.getValue();
            if (value.isNull()) {
                target.remove(field.getKey());
            } else if (value instanceof ObjectNode inner) {
                ObjectNode into = target.path(field.getKey()) instanceof ObjectNode known
                        ? known
                        : target.putObject(field.getKey());
                merge(into, inner);
            } else {
                target.set(field.getKey(), value.deepCopy());
            }
        });
    }

    private static void keep(ObjectNode from, ObjectNode to, String field) {
        if (from.has(field)) {
            to.set(field, from.get(field).deepCopy());
        } else {
            to.remove(field);
        }
    }

    private static void addFinalizer(ObjectNode metadata, String finalizer) {
        ArrayNode all =
                metadata.path("finalizers") instanceof ArrayNode known ? known : metadata.putArray("finalizers");
        for (JsonNode each : all) {
            if (each.asText().equals(finalizer)) {
                return;
            }
        }
        all.add(finalizer);
    }

    private static ObjectNode metadata(ObjectNode object) {
        return object.path("metadata") instanceof ObjectNode known ? known : object.putObject("metadata");
    }

    private static Key key(ObjectNode object) {
        return new Key(
                object.path("metadata").path("namespace").asText(""),
                object.path("metadata").path("name").asText());
    }

    private String now() {
        return clock.now().truncatedTo(java.time.temporal.ChronoUnit.SECONDS).toString();
    }
}
