package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.request.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which object owns which, by uid, as watches tell. Changes give the uids that the garbage collector has to look at. An
 * owner need not be known: references to it are. Safe for use by many threads.
 */
final class OwnerGraph {

    static final String FOREGROUND = "foregroundDeletion";
    static final String ORPHAN = "orphan";

    /**
     * An object.
     *
     * @param deleting has a deletionTimestamp
     * @param foreground is being deleted, after what it owns
     * @param orphaning is being deleted, after what it owned was released
     */
    record Node(
            String uid,
            ResourceType type,
            Key key,
            List<OwnerReference> owners,
            boolean deleting,
            boolean foreground,
            boolean orphaning) {

        /** The same, with what it has in common with what was known of the object. */
        Node sharing(Node before) {
            return new Node(
                    before.uid,
                    type,
                    key.equals(before.key) ? before.key : key,
                    owners.equals(before.owners) ? before.owners : owners,
                    deleting,
                    foreground,
                    orphaning);
        }

        boolean ownedBy(String owner) {
            return owners.stream().anyMatch(each -> each.uid().equals(owner));
        }

        boolean blocks(String owner) {
            return owners.stream()
                    .anyMatch(each -> each.blocking() && each.uid().equals(owner));
        }
    }

    private final Map<String, Node> nodes = new HashMap<>();
    private final Map<String, Set<String>> dependents = new HashMap<>();
    private final Map<ResourceType, Map<Key, String>> byKey = new HashMap<>();

    static Node node(ResourceType type, ObjectNode object) {
        JsonNode metadata = object.path("metadata");
        boolean deleting = metadata.hasNonNull("deletionTimestamp");
        boolean foreground = false;
        boolean orphaning = false;
        for (JsonNode finalizer : metadata.path("finalizers")) {
            foreground |= finalizer.asText().equals(FOREGROUND);
            orphaning |= finalizer.asText().equals(ORPHAN);
        }
        return new Node(
                metadata.path("uid").asText(),
                type,
                new Key(Json.text(object, "metadata", "namespace").intern(), Json.text(object, "metadata", "name")),
                OwnerReference.of(object),
                deleting,
                deleting && foreground,
                deleting && orphaning);
    }

    /** An object was added or changed. */
    synchronized List<String> put(ResourceType type, ObjectNode object) {
        Node told = node(type, object);
        Node known = nodes.get(told.uid());
        Node node = known == null ? told : told.sharing(known);
        List<String> affected = new ArrayList<>();
        String replaced = byKey.computeIfAbsent(type, _ -> new HashMap<>()).put(node.key(), node.uid());
        if (replaced != null && !replaced.equals(node.uid())) {
            affected.addAll(forget(replaced));
        }
        Node before = nodes.put(node.uid(), node);
        if (before != null) {
            unlink(before);
        }
        for (OwnerReference owner : node.owners()) {
            dependents.computeIfAbsent(owner.uid(), _ -> new HashSet<>()).add(node.uid());
        }
        if (node.foreground() || node.orphaning() || doubtful(node)) {
            affected.add(node.uid());
        }
        affected.addAll(waitingOwners(before == null ? List.of() : before.owners()));
        if (node.foreground() && (before == null || !before.foreground())) {
            affected.addAll(dependentsOf(node.uid()));
        }
        return affected;
    }

    /** Whether an owner is unknown, is not what the reference says, or waits for this object. */
    private boolean doubtful(Node node) {
        return node.owners().stream().anyMatch(owner -> {
            Node known = nodes.get(owner.uid());
            return known == null || known.foreground() || !fits(known, owner, node);
        });
    }

    private static boolean fits(Node known, OwnerReference owner, Node dependent) {
        String namespace = known.key().namespace();
        return known.key().name().equals(owner.name())
                && known.type().group().equals(owner.group())
                && (namespace.isEmpty() || namespace.equals(dependent.key().namespace()));
    }

    private List<String> waitingOwners(List<OwnerReference> owners) {
        List<String> waiting = new ArrayList<>();
        for (OwnerReference owner : owners) {
            Node known = nodes.get(owner.uid());
            if (known != null && (known.foreground() || known.orphaning())) {
                waiting.add(known.uid());
            }
        }
        return waiting;
    }

    /** An object is gone. */
    synchronized List<String> remove(String uid) {
        Node gone = nodes.get(uid);
        if (gone != null) {
            Map<Key, String> keys = byKey.getOrDefault(gone.type(), Map.of());
            if (uid.equals(keys.get(gone.key()))) {
                keys.remove(gone.key());
            }
        }
        return forget(uid);
    }

    private List<String> forget(String uid) {
        Node gone = nodes.remove(uid);
        if (gone == null) {
            return List.of();
        }
        unlink(gone);
        List<String> affected = new ArrayList<>(dependentsOf(uid));
        affected.addAll(waitingOwners(gone.owners()));
        return affected;
    }

    private void unlink(Node node) {
        for (OwnerReference owner : node.owners()) {
            Set<String> owned = dependents.get(owner.uid());
            if (owned != null) {
                owned.remove(node.uid());
                if (owned.isEmpty()) {
                    dependents.remove(owner.uid());
                }
            }
        }
    }

    /** These are all objects of a type now. */
    synchronized List<String> replace(ResourceType type, List<ObjectNode> objects) {
        Set<String> gone = new HashSet<>(byKey.getOrDefault(type, Map.of()).values());
        List<String> affected = new ArrayList<>();
        for (ObjectNode object : objects) {
            gone.remove(object.path("metadata").path("uid").asText());
            affected.addAll(put(type, object));
        }
        for (String uid : gone) {
            affected.addAll(remove(uid));
        }
        return affected;
    }

    /** A type is no longer served: what is known of it is forgotten, and nothing follows from it. */
    synchronized void drop(ResourceType type) {
        Map<Key, String> keys = byKey.remove(type);
        if (keys != null) {
            for (String uid : keys.values()) {
                Node gone = nodes.remove(uid);
                if (gone != null) {
                    unlink(gone);
                }
            }
        }
    }

    synchronized Optional<Node> node(String uid) {
        return Optional.ofNullable(nodes.get(uid));
    }

    synchronized List<String> dependentsOf(String uid) {
        return List.copyOf(dependents.getOrDefault(uid, Set.of()));
    }

    synchronized List<Node> dependentNodes(String uid) {
        List<Node> all = new ArrayList<>();
        for (String dependent : dependents.getOrDefault(uid, Set.of())) {
            Node node = nodes.get(dependent);
            if (node != null) {
                all.add(node);
            }
        }
        return all;
    }

    synchronized int size() {
        return nodes.size();
    }
}
