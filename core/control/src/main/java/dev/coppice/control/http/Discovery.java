package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.resource.Subresource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The discovery documents, aggregated and legacy, made once for every state of the registry. Safe for many threads. */
final class Discovery {
    static final String AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    private final Registry registry;
    private volatile Cached cached = new Cached(-1, new ConcurrentHashMap<>());

    /** A document and the tag of its contents. */
    record Document(byte[] body, String etag) {}

    private record Cached(long generation, Map<String, Document> documents) {}

    Discovery(Registry registry) {
        this.registry = registry;
    }

    private Document document(String name, java.util.function.Function<Registry.Snapshot, ObjectNode> maker) {
        Registry.Snapshot snapshot = registry.snapshot();
        Cached known = cached;
        if (known.generation != snapshot.generation()) {
            known = new Cached(snapshot.generation(), new ConcurrentHashMap<>());
            cached = known;
        }
        return known.documents.computeIfAbsent(name, n -> {
            byte[] body = Json.bytes(maker.apply(snapshot));
            return new Document(body, '"' + hash(body) + '"');
        });
    }

    static String hash(byte[] body) {
        try {
            byte[] digest = java.security.MessageDigest.getInstance("SHA-256").digest(body);
            return HexFormat.of().withUpperCase().formatHex(digest);
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Set<String> groups(Registry.Snapshot s) {
        Set<String> groups = new LinkedHashSet<>();
        for (Definition d : s.all()) {
            if (!d.group().isEmpty()) {
                groups.add(d.group());
            }
        }
        return groups;
    }

    /** {@code /api} or {@code /apis} in one document. */
    Document aggregated(boolean core) {
        return document(core ? "aggregated-core" : "aggregated", s -> {
            ObjectNode list = Json.object();
            list.put("kind", "APIGroupDiscoveryList").put("apiVersion", "apidiscovery.k8s.io/v2");
            list.putObject("metadata");
            ArrayNode items = list.putArray("items");
            for (String group : core ? Set.of("") : groups(s)) {
                ObjectNode item = items.addObject();
                ObjectNode meta = item.putObject("metadata");
                if (!group.isEmpty()) {
                    meta.put("name", group);
                }
                meta.putNull("creationTimestamp");
                ArrayNode versions = item.putArray("versions");
                for (String version : s.versions(group)) {
                    ObjectNode v = versions.addObject().put("version", version);
                    ArrayNode resources = v.putArray("resources");
                    s.of(group, version).forEach(d -> resources.add(resource(d)));
                    v.put("freshness", "Current");
                }
            }
            return list;
        });
    }

    private static ObjectNode resource(Definition d) {
        ObjectNode r = Json.object().put("resource", d.plural());
        responseKind(r, d, "", "", d.kind());
        r.put("scope", d.namespaced() ? "Namespaced" : "Cluster").put("singularResource", d.singular());
        r.set("verbs", Json.array(d.verbs()));
        if (!d.shortNames().isEmpty()) {
            r.set("shortNames", Json.array(d.shortNames()));
        }
        if (!d.categories().isEmpty()) {
            r.set("categories", Json.array(d.categories()));
        }
        if (!d.subresources().isEmpty()) {
            ArrayNode subs = r.putArray("subresources");
            for (Subresource s : d.subresources()) {
                ObjectNode sub = subs.addObject().put("subresource", s.name());
                responseKind(sub, d, s.group(), s.version(), s.kind());
                sub.set("verbs", Json.array(s.verbs()));
            }
        }
        return r;
    }

    private static void responseKind(ObjectNode into, Definition d, String group, String version, String kind) {
        // Built-in types leave out a group and version that are those of the document.
        boolean own = group.isEmpty() && version.isEmpty();
        into.putObject("responseKind")
                .put("group", own && d.custom() ? d.group() : group)
                .put("version", own && d.custom() ? d.version() : version)
                .put("kind", kind);
    }

    Document coreVersions(String address) {
        return document("core-versions " + address, s -> {
            ObjectNode o = Json.object().put("kind", "APIVersions");
            o.putArray("versions").add("v1");
            o.putArray("serverAddressByClientCIDRs")
                    .addObject()
                    .put("clientCIDR", "0.0.0.0/0")
                    .put("serverAddress", address);
            return o;
        });
    }

    Document groupList() {
        return document("groups", s -> {
            ObjectNode o = Json.object().put("kind", "APIGroupList").put("apiVersion", "v1");
            ArrayNode all = o.putArray("groups");
            groups(s).forEach(g -> all.add(group(s, g)));
            return o;
        });
    }

    /** One group; empty when there is none of that name. */
    java.util.Optional<Document> group(String name) {
        if (name.isEmpty() || registry.snapshot().versions(name).isEmpty()) {
            return java.util.Optional.empty();
        }
        return java.util.Optional.of(document("group " + name, s -> {
            ObjectNode o = Json.object().put("kind", "APIGroup").put("apiVersion", "v1");
            o.setAll(group(s, name));
            return o;
        }));
    }

    private static ObjectNode group(Registry.Snapshot s, String name) {
        ObjectNode o = Json.object().put("name", name);
        ArrayNode versions = o.putArray("versions");
        List<String> all = new ArrayList<>(s.versions(name));
        all.forEach(
                v -> versions.addObject().put("groupVersion", name + "/" + v).put("version", v));
        if (!all.isEmpty()) {
            o.putObject("preferredVersion")
                    .put("groupVersion", name + "/" + all.getFirst())
                    .put("version", all.getFirst());
        }
        return o;
    }

    /** The types of a group and version; empty when there are none. */
    java.util.Optional<Document> resources(String group, String version) {
        if (registry.snapshot().of(group, version).isEmpty()) {
            return java.util.Optional.empty();
        }
        return java.util.Optional.of(document("resources " + group + "/" + version, s -> {
            ObjectNode o = Json.object().put("kind", "APIResourceList").put("apiVersion", "v1");
            o.put("groupVersion", group.isEmpty() ? version : group + "/" + version);
            ArrayNode list = o.putArray("resources");
            for (Definition d : s.of(group, version)) {
                legacy(list, d);
            }
            return o;
        }));
    }

    private static void legacy(ArrayNode list, Definition d) {
        ObjectNode r = list.addObject()
                .put("name", d.plural())
                .put("singularName", d.singular())
                .put("namespaced", d.namespaced())
                .put("kind", d.kind());
        r.set("verbs", Json.array(d.verbs()));
        if (!d.shortNames().isEmpty()) {
            r.set("shortNames", Json.array(d.shortNames()));
        }
        if (!d.categories().isEmpty()) {
            r.set("categories", Json.array(d.categories()));
        }
        for (Subresource s : d.subresources()) {
            ObjectNode sub = list.addObject()
                    .put("name", d.plural() + "/" + s.name())
                    .put("singularName", "")
                    .put("namespaced", d.namespaced());
            if (!s.group().isEmpty()) {
                sub.put("group", s.group());
            }
            if (!s.version().isEmpty()) {
                sub.put("version", s.version());
            }
            sub.put("kind", s.kind());
            sub.set("verbs", Json.array(s.verbs()));
        }
    }
}
