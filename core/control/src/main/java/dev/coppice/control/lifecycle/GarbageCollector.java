package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.control.ResourceClient.Deletion.Propagation;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.ServedType;
import dev.coppice.control.lifecycle.OwnerGraph.Node;
import dev.coppice.control.runtime.EventRecorder;
import dev.coppice.control.runtime.Finalizers;
import dev.coppice.control.runtime.Reflector;
import dev.coppice.control.runtime.WorkLoop;
import dev.coppice.control.runtime.WorkQueue;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Deletes objects whose owners are gone, as Kubernetes' garbage collector: in the background, in the foreground (owners
 * wait for what blocks them), or releasing what is owned (orphan). Owners are objects of the same namespace or of the
 * cluster; a reference into another namespace counts as one to nothing, and one from the cluster into a namespace is told
 * by an event and never acted upon. Watches all types, those that come and go included.
 */
final class GarbageCollector {

    private static final Duration TYPES_INTERVAL = Duration.ofSeconds(30);
    private static final Duration TYPES_DELAY = Duration.ofMillis(300);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration SYNC_POLL = Duration.ofMillis(100);
    private static final int WORKERS = 4;
    private static final ResourceType DEFINITIONS =
            new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    private static final SupervisorOptions RESTARTS =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(10));

    /** A watch on a type. */
    private record Monitor(ServedType served, Reflector reflector, long sinceNanos) {}

    private final Kernel kernel;
    private final ResourceClient client;
    private final EventRecorder events;
    private final OwnerGraph graph = new OwnerGraph();
    private final WorkQueue<String> queue;
    private final WorkQueue<String> refreshes;
    private final Map<ResourceType, Monitor> monitors = new HashMap<>();
    private final Supervisor supervisor;
    private final Supervisor watching;

    GarbageCollector(Kernel kernel, Supervisor parent, ResourceClient client, EventRecorder events)
            throws StartException {
        this.kernel = kernel;
        this.client = client;
        this.events = events;
        this.queue = new WorkQueue<>("garbage-collector", kernel, WorkQueue.Options.DEFAULT);
        this.refreshes = new WorkQueue<>("garbage-collector-types", kernel, WorkQueue.Options.DEFAULT);
        this.supervisor = parent.startSupervisor("garbage-collector", RESTARTS);
        this.watching = supervisor.startSupervisor("types", RESTARTS);
    }

    void start() throws StartException, InterruptedException {
        refreshes.add("types");
        Supervisor refreshing = supervisor.startSupervisor("refresh", RESTARTS);
        new WorkLoop<String>("garbage-collector-types", kernel, refreshes, _ -> refresh())
                .start(refreshing, 1, () -> {});
        Supervisor workers = supervisor.startSupervisor("workers", RESTARTS);
        new WorkLoop<>("garbage-collector", kernel, queue, this::collect).start(workers, WORKERS, () -> {});
    }

    int objects() {
        return graph.size();
    }

    // Types.

    /** Watches types that are new, and no longer those that are gone. */
    private Result refresh() throws StartException {
        Map<ResourceType, ServedType> wanted = new HashMap<>();
        Set<String> seen = new HashSet<>();
        for (ServedType served : client.types()) {
            boolean able = served.verbs().containsAll(List.of("list", "watch", "delete"));
            boolean event = served.type().plural().equals("events")
                    && Set.of("", "events.k8s.io").contains(served.type().group());
            if (able && !event && seen.add(Reflector.label(served.type()))) {
                wanted.put(served.type(), served);
            }
        }
        synchronized (monitors) {
            for (ResourceType type : List.copyOf(monitors.keySet())) {
                if (!wanted.containsKey(type)) {
                    monitors.remove(type);
                    boolean _ = watching.stop(child(type));
                    graph.drop(type);
                }
            }
            for (ServedType served : wanted.values()) {
                if (!monitors.containsKey(served.type())) {
                    monitor(served);
                }
            }
        }
        return Result.again(TYPES_INTERVAL);
    }

    private static String child(ResourceType type) {
        return Reflector.label(type) + " " + type.version();
    }

    private void monitor(ServedType served) throws StartException {
        ResourceType type = served.type();
        Reflector reflector = new Reflector(kernel, client, type, Query.ALL, new Reflector.Sink() {
            @Override
            public void replace(List<ObjectNode> objects) {
                enqueue(graph.replace(type, objects));
                definitionsChanged();
            }

            @Override
            public void changed(EventType event, ObjectNode object) {
                switch (event) {
                    case ADDED, MODIFIED -> enqueue(graph.put(type, object));
                    case DELETED ->
                        enqueue(graph.remove(object.path("metadata").path("uid").asText()));
                    case BOOKMARK -> {}
                }
                definitionsChanged();
            }

            private void definitionsChanged() {
                if (type.equals(DEFINITIONS)) {
                    refreshes.addAfter("types", TYPES_DELAY);
                }
            }
        });
        monitors.put(type, new Monitor(served, reflector, kernel.clock().nanoTime()));
        Supervisor.Child _ = watching.start(ChildSpec.task(child(type), reflector));
    }

    private void enqueue(Collection<String> uids) {
        try {
            for (String uid : uids) {
                queue.add(uid);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the watch stops; when it starts again it lists anew
        }
    }

    /** Whether all types were listed; one that cannot be is waited for a while only. */
    private boolean synced() {
        long now = kernel.clock().nanoTime();
        synchronized (monitors) {
            return !monitors.isEmpty()
                    && monitors.values().stream()
                            .allMatch(
                                    each -> each.reflector().synced() || now - each.sinceNanos() > PATIENCE.toNanos());
        }
    }

    private Optional<ServedType> served(OwnerReference owner) {
        synchronized (monitors) {
            return monitors.values().stream()
                    .map(Monitor::served)
                    .filter(each -> each.kind().equals(owner.kind())
                            && each.type().group().equals(owner.group()))
                    .findFirst();
        }
    }

    // Objects.

    private Result collect(String uid) {
        if (!synced()) {
            return Result.again(SYNC_POLL);
        }
        Optional<Node> known = graph.node(uid);
        if (known.isEmpty()) {
            return Result.DONE;
        }
        Node node = known.get();
        Optional<ObjectNode> live =
                client.get(node.type(), node.key().namespace(), node.key().name());
        if (live.isEmpty() || !live.get().path("metadata").path("uid").asText().equals(uid)) {
            return Result.DONE; // its watch will tell
        }
        Node now = OwnerGraph.node(node.type(), live.get());
        if (now.orphaning()) {
            release(now, live.get());
        } else if (now.foreground()) {
            return awaitDependents(now, live.get());
        } else if (!now.deleting() && !now.owners().isEmpty()) {
            judge(now, live.get());
        }
        return Result.DONE;
    }

    /** The owner is deleted with orphan propagation: what it owns loses the reference, then it may go. */
    private void release(Node owner, ObjectNode live) {
        for (Node dependent : graph.dependentNodes(owner.uid())) {
            Optional<ObjectNode> object = client.get(
                    dependent.type(),
                    dependent.key().namespace(),
                    dependent.key().name());
            if (object.isPresent()) {
                removeReferences(dependent.type(), object.get(), Set.of(owner.uid()));
            }
        }
        ObjectNode _ = Finalizers.remove(client, owner.type(), live, OwnerGraph.ORPHAN);
    }

    /** The owner is deleted in the foreground: once nothing blocks it any more it may go. */
    private Result awaitDependents(Node owner, ObjectNode live) {
        List<Node> blocking = graph.dependentNodes(owner.uid()).stream()
                .filter(each -> each.blocks(owner.uid()))
                .toList();
        if (blocking.isEmpty()) {
            ObjectNode _ = Finalizers.remove(client, owner.type(), live, OwnerGraph.FOREGROUND);
            return Result.DONE;
        }
        enqueue(blocking.stream()
                .filter(each -> !each.deleting())
                .map(Node::uid)
                .toList());
        return Result.DONE;
    }

    /** Decides by the owners what becomes of an object. */
    private void judge(Node node, ObjectNode live) {
        List<OwnerReference> present = new ArrayList<>();
        Set<String> absent = new HashSet<>();
        Set<String> waiting = new HashSet<>();
        for (OwnerReference owner : node.owners()) {
            switch (state(node, live, owner)) {
                case PRESENT -> present.add(owner);
                case WAITING -> waiting.add(owner.uid());
                case ABSENT -> absent.add(owner.uid());
                case UNRESOLVABLE -> {
                    return;
                }
            }
        }
        if (!present.isEmpty()) {
            absent.addAll(waiting);
            removeReferences(node.type(), live, absent);
            return;
        }
        if (!waiting.isEmpty() && !graph.dependentsOf(node.uid()).isEmpty()) {
            boolean cycle = graph.dependentNodes(node.uid()).stream().anyMatch(Node::foreground);
            if (cycle) {
                unblock(node.type(), live);
            }
            delete(node, Propagation.FOREGROUND);
            return;
        }
        delete(node, propagation(live));
    }

    private static Propagation propagation(ObjectNode live) {
        if (Finalizers.has(live, OwnerGraph.ORPHAN)) {
            return Propagation.ORPHAN;
        }
        return Finalizers.has(live, OwnerGraph.FOREGROUND) ? Propagation.FOREGROUND : Propagation.BACKGROUND;
    }

    private void delete(Node node, Propagation propagation) {
        try {
            boolean _ = client.delete(
                    node.type(), node.key().namespace(), node.key().name(), new Deletion(propagation, node.uid()));
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
    }

    private enum State {
        PRESENT,
        /** Present, but deleted in the foreground and waiting for this object. */
        WAITING,
        ABSENT,
        UNRESOLVABLE
    }

    private State state(Node node, ObjectNode live, OwnerReference owner) {
        Optional<ServedType> served = served(owner);
        if (served.isEmpty()) {
            return State.UNRESOLVABLE; // its type may be served again
        }
        boolean clusterScoped = node.key().namespace().isEmpty();
        if (served.get().namespaced() && clusterScoped) {
            invalid(live, owner, "is of a namespaced kind, which cannot own an object of the cluster");
            return State.UNRESOLVABLE;
        }
        Optional<Node> known = graph.node(owner.uid());
        String namespace = served.get().namespaced() ? node.key().namespace() : "";
        if (known.isPresent()
                && known.get().key().namespace().equals(namespace)
                && known.get().key().name().equals(owner.name())
                && known.get().type().equals(served.get().type())) {
            return known.get().foreground() && owner.blocking() ? State.WAITING : State.PRESENT;
        }
        if (known.isPresent()) {
            invalid(live, owner, "does not exist in namespace \"" + namespace + "\"");
        }
        Optional<ObjectNode> found = client.get(served.get().type(), namespace, owner.name());
        boolean same = found.filter(
                        each -> each.path("metadata").path("uid").asText().equals(owner.uid()))
                .isPresent();
        return same ? State.PRESENT : State.ABSENT;
    }

    private void invalid(ObjectNode live, OwnerReference owner, String problem) {
        String namespace = live.path("metadata").path("namespace").asText("");
        events.record(
                live,
                "Warning",
                "OwnerRefInvalidNamespace",
                "ownerRef [" + owner.apiVersion() + "/" + owner.kind() + ", namespace: " + namespace + ", name: "
                        + owner.name() + ", uid: " + owner.uid() + "] " + problem);
    }

    private void removeReferences(ResourceType type, ObjectNode object, Set<String> owners) {
        JsonNode all = object.path("metadata").path("ownerReferences");
        ArrayNode rest = JsonNodeFactory.instance.arrayNode();
        for (JsonNode each : all) {
            if (!owners.contains(each.path("uid").asText())) {
                rest.add(each);
            }
        }
        if (rest.size() != all.size()) {
            writeReferences(type, object, rest);
        }
    }

    /** Breaks a cycle of objects that wait for each other. */
    private void unblock(ResourceType type, ObjectNode object) {
        ArrayNode references = JsonNodeFactory.instance.arrayNode();
        for (JsonNode each : object.path("metadata").path("ownerReferences")) {
            references.add(((ObjectNode) each.deepCopy()).put("blockOwnerDeletion", false));
        }
        writeReferences(type, object, references);
    }

    private void writeReferences(ResourceType type, ObjectNode object, ArrayNode references) {
        JsonNode metadata = object.path("metadata");
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        ObjectNode changed = patch.putObject("metadata");
        changed.set("uid", metadata.path("uid"));
        changed.set("resourceVersion", metadata.path("resourceVersion"));
        if (references.isEmpty()) {
            changed.putNull("ownerReferences");
        } else {
            changed.set("ownerReferences", references);
        }
        ObjectNode _ = client.mergePatch(
                type,
                metadata.path("namespace").asText(""),
                metadata.path("name").asText(),
                null,
                patch);
    }
}
