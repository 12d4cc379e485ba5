package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.ListOptions;
import dev.coppice.control.request.Selectors.FieldSelector;
import dev.coppice.control.request.Selectors.FieldTerm;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.control.storage.WatchFeed;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads from the caches, or from the store where the past is asked for. Safe for use by many threads. */
public final class Reader {
    private static final int PAGE = 500;
    private final WatchFeed feed;
    private final ObjectStore store;

    public Reader(WatchFeed feed, ObjectStore store) {
        this.feed = feed;
        this.store = store;
    }

    /**
     * A list, or a part of one.
     *
     * @param continueToken where the next part starts; empty at the end
     * @param remaining how many objects follow; -1 when that is not known
     * @param warnings for the client to show
     */
    public record Listing(
            List<CachedObject> objects, long revision, String continueToken, long remaining, List<String> warnings) {}

    /** An object not older than {@code resourceVersion}; null when it is not there. */
    public @Nullable CachedObject get(Target target, String resourceVersion) {
        Definition d = target.definition();
        ComputedSource source = d.computed();
        if (source != null) {
            return source.get(target.namespace(), target.name())
                    .map(object -> computed(d, target.namespace(), target.name(), object))
                    .orElse(null);
        }
        if (resourceVersion.isEmpty()) {
            feed.fresh();
        } else {
            feed.await(ListOptions.revision(resourceVersion));
        }
        return d.cache().get(target.namespace(), target.name());
    }

    public Listing list(Definition d, String namespace, ListOptions options) {
        checkFields(d, options.fields());
        ComputedSource source = d.computed();
        if (source != null) {
            return computed(d, source, namespace, options);
        }
        if (!options.continueToken().isEmpty()) {
            return next(d, namespace, options);
        }
        long asked = options.revision();
        if (options.match().equals("Exact")) {
            feed.await(asked);
            return at(d, namespace, asked, "", options);
        }
        long revision = options.resourceVersion().isEmpty() ? feed.fresh() : feed.await(asked);
        ResourceCache.Snapshot now = d.cache().snapshot(namespace, revision, "");
        return part(d, now.objects(), now.revision(), options);
    }

    private Listing next(Definition d, String namespace, ListOptions options) {
        Continue from = Continue.of(d, namespace, options.continueToken());
        try {
            return at(d, namespace, from.revision, from.start, options);
        } catch (ApiException e) {
            if (e.code() != 410) {
                throw e;
            }
            throw Statuses.expired("The provided continue parameter is too old to display a consistent list result. "
                    + "You can start a new list without the continue parameter.");
        }
    }

    /** Where the next part of a list starts. */
    private record Continue(long revision, String start) {

        static Continue of(Definition d, String namespace, String text) {
            try {
                ObjectNode tree = Json.parse(Base64.getUrlDecoder().decode(text));
                Continue found = new Continue(
                        tree.path("rv").asLong(), tree.path("start").asText());
                if (found.revision <= 0 || found.start.isEmpty()) {
                    throw new IllegalArgumentException("incomplete");
                }
                // Whoever made this token up: it must not lead out of the namespace that was authorized.
                if (d.namespaced() && !namespace.isEmpty() && !found.start.startsWith(namespace + "/")) {
                    throw new IllegalArgumentException("it is of another namespace");
                }
                return found;
            } catch (RuntimeException e) {
                throw Statuses.badRequest("continue key is not valid: " + e.getMessage());
            }
        }

        static String text(long revision, String last) {
            ObjectNode token =
                    Json.object().put("v", "meta.k8s.io/v1").put("rv", revision).put("start", last + "\0");
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Json.bytes(token));
        }
    }

    private static CachedObject computed(Definition d, String namespace, String name, ObjectNode object) {
        ObjectNode whole = Json.object().put("apiVersion", d.apiVersion()).put("kind", d.kind());
        whole.setAll(object);
        ObjectNode metadata = Json.metadata(whole).put("name", name);
        if (d.namespaced()) {
            metadata.put("namespace", namespace);
        }
        return CachedObject.of(namespace, name, 0, Json.bytes(whole), Json.strings(metadata.path("labels")));
    }

    /** A list of what is made on demand: every part of it is of its own time. */
    private static Listing computed(Definition d, ComputedSource source, String namespace, ListOptions options) {
        if (options.match().equals("Exact")) {
            throw Statuses.expired(d.qualified() + " are made when somebody asks for them; they have no past");
        }
        String start =
                options.continueToken().isEmpty() ? "" : Continue.of(d, namespace, options.continueToken()).start;
        ComputedSource.Listing found = source.list(namespace);
        List<ComputedSource.Entry> entries = found.entries().stream()
                .filter(e -> key(d, e.namespace(), e.name()).compareTo(start) >= 0)
                .sorted(Comparator.comparing(e -> key(d, e.namespace(), e.name())))
                .toList();
        boolean selective = !options.labels().isEmpty() || !options.fields().isEmpty();
        List<CachedObject> part = new ArrayList<>();
        int seen = 0;
        for (ComputedSource.Entry entry : entries) {
            if (options.limit() > 0 && part.size() >= options.limit()) {
                return new Listing(
                        part,
                        0,
                        Continue.text(1, part.getLast().key()),
                        selective ? -1 : entries.size() - seen,
                        found.warnings());
            }
            seen++;
            ObjectNode object = entry.object().get();
            if (object != null) {
                CachedObject made = computed(d, entry.namespace(), entry.name(), object);
                if (matches(d, made, options)) {
                    part.add(made);
                }
            }
        }
        return new Listing(part, 0, "", -1, found.warnings());
    }

    /** The state at a revision, from a key on. */
    private Listing at(Definition d, String namespace, long revision, String start, ListOptions options) {
        ResourceCache cache = d.cache();
        ResourceCache.Snapshot now = cache.snapshot(namespace, revision, start);
        if (now.revision() == revision) {
            return part(d, now.objects(), revision, options);
        }
        String prefix =
                d.namespaced() && !namespace.isEmpty() ? d.storagePrefix() + namespace + "/" : d.storagePrefix();
        List<CachedObject> all = new ArrayList<>();
        String from = start.isEmpty() ? "" : d.storagePrefix() + start;
        while (true) {
            ObjectStore.Page page = store.page(prefix, from, revision, PAGE);
            page.values().forEach(s -> all.add(cache.decoded(s)));
            boolean enough = options.limit() > 0
                    && all.size() > options.limit()
                    && options.labels().isEmpty()
                    && options.fields().isEmpty();
            if (page.remaining() == 0 || page.values().isEmpty() || enough) {
                return part(d, all, revision, options);
            }
            from = page.values().getLast().key() + "\0";
        }
    }

    private static String key(Definition d, String namespace, String name) {
        return d.namespaced() ? namespace + "/" + name : name;
    }

    private static Listing part(Definition d, List<CachedObject> all, long revision, ListOptions options) {
        boolean selective = !options.labels().isEmpty() || !options.fields().isEmpty();
        List<CachedObject> matching = all;
        if (selective) {
            matching = new ArrayList<>();
            for (CachedObject o : all) {
                if (matches(d, o, options)) {
                    matching.add(o);
                }
            }
        }
        if (options.limit() <= 0 || matching.size() <= options.limit()) {
            return new Listing(matching, revision, "", -1, List.of());
        }
        int limit = (int) Math.min(options.limit(), Integer.MAX_VALUE);
        List<CachedObject> part = matching.subList(0, limit);
        String next = Continue.text(revision, part.getLast().key());
        return new Listing(part, revision, next, selective ? -1 : matching.size() - limit, List.of());
    }

    /** Whether the selectors choose an object. */
    public static boolean matches(Definition d, CachedObject o, ListOptions options) {
        return options.labels().matches(o.labels()) && matches(d, o, options.fields());
    }

    private static boolean matches(Definition d, CachedObject o, FieldSelector fields) {
        if (fields.isEmpty()) {
            return true;
        }
        ObjectNode[] tree = new ObjectNode[1];
        return fields.matches(name -> switch (name) {
            case "metadata.name" -> o.name();
            case "metadata.namespace" -> o.namespace();
            default -> {
                if (tree[0] == null) {
                    tree[0] = d.custom() ? Engine.served(d, o) : o.tree();
                }
                yield field(d, tree[0], name);
            }
        });
    }

    private static String field(Definition d, ObjectNode tree, String name) {
        if (d.kind().equals("Namespace") && name.equals("name")) {
            return Json.text(tree, "metadata", "name");
        }
        if (d.kind().equals("Event") && name.equals("source")) {
            String component = tree.path("source").path("component").asText("");
            return component.isEmpty() ? tree.path("reportingComponent").asText("") : component;
        }
        com.fasterxml.jackson.databind.JsonNode at = tree;
        for (String step : name.split("\\.")) {
            at = at.path(step);
        }
        return at.asText("");
    }

    /** Throws 400 for fields that the type's selectors do not know. */
    public static void checkFields(Definition d, FieldSelector fields) {
        for (FieldTerm term : fields.terms()) {
            String name = term.field();
            if (name.equals("metadata.name")
                    || name.equals("metadata.namespace")
                    || d.selectableFields().contains(name)) {
                continue;
            }
            if (d.custom()) {
                throw Statuses.badRequest("field label not supported: " + name);
            }
            throw Statuses.badRequest(
                    d.selectableFields().isEmpty()
                            ? Statuses.quote(name)
                                    + " is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                            : "field label not supported: " + name);
        }
    }
}
