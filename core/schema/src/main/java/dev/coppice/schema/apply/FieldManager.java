package dev.coppice.schema.apply;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.Values;
import dev.coppice.schema.apply.ManagedFields.Manager;
import dev.coppice.schema.apply.ManagedFields.Owned;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Keeps metadata.managedFields of the objects of one resource, version and subresource, and applies configurations
 * server-side, as kube-apiserver's field manager does. Immutable and thread-safe; arguments are not changed.
 *
 * @see <a href="https://kubernetes.io/docs/reference/using-api/server-side-apply/">Server-side apply</a>
 */
public final class FieldManager {
    /** The most update managers of one object; the oldest are joined into one called {@value #ANCIENT}. */
    public static final int MAX_UPDATE_MANAGERS = 10;

    private static final String ANCIENT = "ancient-changes";
    private static final String BEFORE_FIRST_APPLY = "before-first-apply";
    private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
    private static final int MAX_ANNOTATIONS_BYTES = 256 * 1024;
    private static final FieldSet STRIPPED = stripped();

    private final String apiVersion;
    private final Schema schema;
    private final String subresource;
    private final Function<String, @Nullable Schema> versions;
    private final FieldSet ignored;

    private FieldManager(
            String apiVersion,
            Schema schema,
            String subresource,
            Function<String, @Nullable Schema> versions,
            FieldSet ignored) {
        this.apiVersion = apiVersion;
        this.schema = schema;
        this.subresource = subresource;
        this.versions = versions;
        this.ignored = ignored;
    }

    /**
     * A field manager of the main resource.
     *
     * @param apiVersion such as {@code apps/v1}; live objects, updates and configurations are given in it
     */
    public static FieldManager of(String apiVersion, Schema schema) {
        return new FieldManager(apiVersion, schema, "", _ -> null, FieldSet.empty());
    }

    /** The same for a subresource, such as {@code status}. */
    public FieldManager withSubresource(String name) {
        return new FieldManager(apiVersion, schema, name, versions, ignored);
    }

    /** The same, knowing the schemas of other versions of the resource; unknown versions give null, and lose their owners. */
    public FieldManager withVersions(Function<String, @Nullable Schema> schemas) {
        return new FieldManager(apiVersion, schema, subresource, schemas, ignored);
    }

    /** The same, never tracking these fields nor what is below them: those that requests to this resource cannot change. */
    public FieldManager ignoring(FieldSet fields) {
        return new FieldManager(apiVersion, schema, subresource, versions, fields);
    }

    /**
     * The object to store after a create, update or patch: {@code updated} with its managedFields brought up to date. A
     * non-empty managedFields in the request replaces the live one, and {@code []} or {@code [{}]} resets it, as in Kubernetes.
     * Where something does not fit the schema, managedFields stay as they are: an update never fails for them.
     *
     * @param live the stored object; null for a create
     * @param manager the field manager's name
     */
    public ObjectNode update(@Nullable ObjectNode live, ObjectNode updated, String manager, Instant now) {
        ManagedFields managed;
        try {
            managed = liveOrNew(live, updated);
        } catch (IllegalArgumentException e) {
            return updated.deepCopy();
        }
        ObjectNode before = withoutManagedFields(live == null ? blank(updated) : live);
        ObjectNode after = withoutManagedFields(updated);
        boolean fits = TypedCheck.check(schema, before, true).isEmpty()
                && TypedCheck.check(schema, after, true).isEmpty();
        if (fits && (live == null || !managed.owners().isEmpty())) {
            track(before, after, managed, manager(manager, "Update"), now);
        }
        return with(after, managed);
    }

    private void track(ObjectNode before, ObjectNode after, ManagedFields managed, Manager manager, Instant now) {
        Manager self = new Manager("current-operation", "", "", "");
        TreeMap<Manager, Owned> owners = managed.owners();
        updater().update(before, after, managed, self);
        strip(managed, self);
        Owned taken = owners.remove(self);
        if (taken != null) {
            Owned previous = owners.get(manager);
            FieldSet all = previous == null ? taken.set() : taken.set().union(previous.set());
            owners.put(manager, new Owned(all, apiVersion, time(now)));
        }
        cap(managed);
    }

    /**
     * The object to store after a server-side apply. Equal to the live one, with its times, when nothing changed.
     *
     * @param live the stored object; null when the apply creates it
     * @param config what the manager wants
     * @param force take fields from other managers rather than fail
     * @throws ApplyConflictException where other managers own fields that would change
     * @throws ApplyException where an object does not fit the schema
     */
    public ObjectNode apply(@Nullable ObjectNode live, ObjectNode config, String manager, boolean force, Instant now) {
        checkConfig(config);
        ObjectNode before = withoutManagedFields(live == null ? blank(config) : live);
        String liveErrors = TypedCheck.check(schema, before, true);
        if (!liveErrors.isEmpty()) {
            throw new ApplyException(
                    false, "failed to create typed live object (" + shown(before) + "): " + liveErrors);
        }
        try {
            return applyOnce(live, before, config, manager, force, now);
        } catch (Updater.Conflict conflict) {
            Map<Manager, FieldSet> rest = new TreeMap<>(conflict.fields());
            if (manager.equals("kubectl")) {
                FieldSet allowed = lastApplied(before);
                rest.replaceAll((_, fields) -> fields.difference(allowed));
                rest.values().removeIf(FieldSet::isEmpty);
                if (rest.isEmpty()) {
                    return applyOnce(live, before, config, manager, true, now);
                }
            }
            throw conflict(rest);
        }
    }

    private void checkConfig(ObjectNode config) {
        String version = Values.text(config, "apiVersion");
        if (!version.equals(apiVersion)) {
            throw new ApplyException(
                    true,
                    "Incorrect version specified in apply patch. Specified patch version: " + version + ", expected: "
                            + apiVersion);
        }
        JsonNode managed = config.path("metadata").path("managedFields");
        if (!managed.isMissingNode() && !managed.isNull()) {
            throw new ApplyException(true, "metadata.managedFields must be nil");
        }
        String errors = TypedCheck.check(schema, config, false);
        if (!errors.isEmpty()) {
            throw new ApplyException(false, "failed to create typed patch object (" + shown(config) + "): " + errors);
        }
    }

    private ObjectNode applyOnce(
            @Nullable ObjectNode live,
            ObjectNode before,
            ObjectNode config,
            String manager,
            boolean force,
            Instant now) {
        ManagedFields managed = managedOf(live);
        if (managed.owners().isEmpty() && live != null) {
            track(blank(before), before, managed, manager(BEFORE_FIRST_APPLY, "Update"), now);
        }
        Map<Manager, FieldSet> former = managed.sets();
        Manager applier = manager(manager, "Apply");
        JsonNode merged = updater().apply(before, config, managed, applier, force);
        strip(managed, applier);
        ObjectNode result = merged instanceof ObjectNode object ? object.deepCopy() : before.deepCopy();
        Owned owned = managed.owners().get(applier);
        if (owned != null && (!Values.same(result, before) || !former.equals(managed.sets()))) {
            managed.owners().put(applier, new Owned(owned.set(), apiVersion, time(now)));
        }
        if (manager.equals("kubectl")) {
            updateLastApplied(result, config);
        }
        return with(result, managed);
    }

    private Updater updater() {
        return new Updater(apiVersion, schema, versions, ignored);
    }

    private Manager manager(String name, String operation) {
        String known = name.isEmpty() ? "unknown" : name;
        return new Manager(known, operation, operation.equals("Apply") ? "" : apiVersion, subresource);
    }

    private static String time(Instant now) {
        return now.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private ManagedFields liveOrNew(@Nullable ObjectNode live, ObjectNode updated) {
        if (!subresource.isEmpty()) {
            return managedOf(live);
        }
        JsonNode given = updated.path("metadata").path("managedFields");
        if (given.isArray()
                && (given.isEmpty() || given.size() == 1 && given.get(0).isEmpty())) {
            return new ManagedFields();
        }
        try {
            ManagedFields managed = ManagedFields.decode(given);
            return managed.owners().isEmpty() ? managedOf(live) : managed;
        } catch (IllegalArgumentException e) {
            return managedOf(live);
        }
    }

    private static ManagedFields managedOf(@Nullable ObjectNode live) {
        try {
            return live == null
                    ? new ManagedFields()
                    : ManagedFields.decode(live.path("metadata").path("managedFields"));
        } catch (IllegalArgumentException e) {
            return new ManagedFields();
        }
    }

    private static ObjectNode blank(ObjectNode like) {
        ObjectNode blank = like.objectNode();
        for (String name : List.of("apiVersion", "kind")) {
            JsonNode value = like.get(name);
            if (value != null) {
                blank.set(name, value);
            }
        }
        return blank;
    }

    private static ObjectNode withoutManagedFields(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        ObjectNode metadata = Values.object(copy, "metadata");
        if (metadata != null) {
            metadata.remove("managedFields");
        }
        return copy;
    }

    private static ObjectNode with(ObjectNode object, ManagedFields managed) {
        if (managed.owners().isEmpty()) {
            return object;
        }
        ObjectNode metadata = Values.object(object, "metadata");
        (metadata == null ? object.putObject("metadata") : metadata).set("managedFields", managed.encode());
        return object;
    }

    /** Names, versions and what the server writes are nobody's. */
    private static FieldSet stripped() {
        FieldSet set = FieldSet.of("apiVersion").union(FieldSet.of("kind")).union(FieldSet.of("metadata"));
        for (String field : List.of(
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion")) {
            set = set.union(FieldSet.of("metadata", field));
        }
        return set;
    }

    private static void strip(ManagedFields managed, Manager manager) {
        managed.owners().computeIfPresent(manager, (_, owned) -> {
            FieldSet rest = owned.set().difference(STRIPPED);
            return rest.isEmpty() ? null : owned.with(rest);
        });
    }

    private static void cap(ManagedFields managed) {
        List<Map.Entry<Manager, Owned>> updaters = new ArrayList<>();
        managed.owners().entrySet().stream()
                .filter(e -> !e.getKey().applies())
                .forEach(e -> updaters.add(Map.entry(e.getKey(), e.getValue())));
        int excess = updaters.size() - MAX_UPDATE_MANAGERS;
        if (excess <= 0) {
            return;
        }
        updaters.sort(Comparator.comparing((Map.Entry<Manager, Owned> e) -> {
                    String time = e.getValue().time();
                    return time == null ? "" : time;
                })
                .thenComparing(Map.Entry::getKey));
        for (Map.Entry<Manager, Owned> old : updaters.subList(0, excess + 1)) {
            managed.owners().remove(old.getKey());
            Manager bucket = new Manager(
                    ANCIENT, "Update", old.getValue().version(), old.getKey().subresource());
            managed.owners()
                    .merge(bucket, old.getValue(), (a, b) -> new Owned(a.set().union(b.set()), b.version(), b.time()));
        }
    }

    /** The fields of the last client-side apply that still have the applied values. */
    private FieldSet lastApplied(ObjectNode live) {
        String text = Values.text(live, "metadata", "annotations", LAST_APPLIED);
        if (text.isEmpty()) {
            return FieldSet.empty();
        }
        try {
            JsonNode applied = Mapper.JSON.readTree(text);
            if (!(applied instanceof ObjectNode)
                    || !TypedCheck.check(schema, applied, true).isEmpty()) {
                return FieldSet.empty();
            }
            Comparison change = Comparison.of(schema, applied, live);
            return Trees.fields(schema, applied)
                    .difference(change.modified())
                    .difference(change.added())
                    .difference(change.removed());
        } catch (JsonProcessingException e) {
            return FieldSet.empty();
        }
    }

    /** Keeps the annotation of client-side apply in step, where there is one. */
    private static void updateLastApplied(ObjectNode object, ObjectNode config) {
        ObjectNode annotations = Values.object(object, "metadata", "annotations");
        if (annotations == null || !annotations.has(LAST_APPLIED)) {
            return;
        }
        ObjectNode copy = config.deepCopy();
        ObjectNode own = Values.object(copy, "metadata", "annotations");
        ObjectNode metadata = Values.object(copy, "metadata");
        if (own != null && metadata != null) {
            own.remove(LAST_APPLIED);
            if (own.isEmpty()) {
                metadata.remove("annotations");
            }
        }
        String text = Values.sorted(copy) + "\n";
        if (text.length() > MAX_ANNOTATIONS_BYTES) {
            annotations.remove(LAST_APPLIED);
        } else {
            annotations.put(LAST_APPLIED, text);
        }
    }

    private static ApplyConflictException conflict(Map<Manager, FieldSet> fields) {
        Map<Manager, List<String>> byManager = new LinkedHashMap<>();
        List<Cause> causes = new ArrayList<>();
        new TreeMap<>(fields).forEach((manager, set) -> {
            byManager.put(manager, set.paths());
            set.paths()
                    .forEach(path ->
                            causes.add(new Cause(path, "FieldManagerConflict", "conflict with " + manager.shown())));
        });
        if (causes.size() == 1) {
            return new ApplyConflictException(
                    "Apply failed with 1 conflict: " + causes.getFirst().message() + ": "
                            + causes.getFirst().field(),
                    causes);
        }
        List<String> lines = new ArrayList<>();
        byManager.forEach((manager, paths) -> {
            lines.add("conflicts with " + manager.shown() + ":");
            paths.forEach(path -> lines.add("- " + path));
        });
        return new ApplyConflictException(
                "Apply failed with " + causes.size() + " conflicts: " + String.join("\n", lines), causes);
    }

    /** As in messages: {@code namespace/name; group/version, Kind=Kind}. */
    private static String shown(ObjectNode object) {
        String version = Values.text(object, "apiVersion");
        return Values.text(object, "metadata", "namespace") + "/" + Values.text(object, "metadata", "name") + "; "
                + (version.contains("/") ? version : "/" + version) + ", Kind=" + Values.text(object, "kind");
    }

    /** Holds the reader from first use on. */
    private static final class Mapper {
        static final JsonMapper JSON = new JsonMapper();
    }

    /** The managedFields that an object has, for tests and tools. */
    static ArrayNode managedFields(ObjectNode object) {
        return object.path("metadata").path("managedFields") instanceof ArrayNode list ? list : object.arrayNode();
    }
}
