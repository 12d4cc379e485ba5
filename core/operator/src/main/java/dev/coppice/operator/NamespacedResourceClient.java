package dev.coppice.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.request.Statuses;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A resource API of which some namespaces only are seen, for those who may not list all: lists and watches over all namespaces become
 * one for each. The resourceVersion of such a list names that of each part, and only the watch that begins there can be begun;
 * when one part of a watch ends, it ends as expired, and whoever watches lists anew. Safe for use by many threads.
 */
final class NamespacedResourceClient implements ResourceClient {
    private final ResourceClient whole;
    private final List<String> namespaces;
    private final Predicate<ResourceType> namespaced;

    NamespacedResourceClient(ResourceClient whole, List<String> namespaces, Predicate<ResourceType> namespaced) {
        this.whole = whole;
        this.namespaces = List.copyOf(namespaces);
        this.namespaced = namespaced;
    }

    private boolean spread(ResourceType type, Query query) {
        return query.namespace().isEmpty() && namespaced.test(type);
    }

    private static Query in(Query query, String namespace) {
        return new Query(namespace, query.labelSelector(), query.fieldSelector());
    }

    @Override
    public Listing list(ResourceType type, Query query) {
        if (!spread(type, query)) {
            return whole.list(type, query);
        }
        if (namespaces.size() == 1) {
            return whole.list(type, in(query, namespaces.getFirst()));
        }
        List<ObjectNode> items = new ArrayList<>();
        List<String> versions = new ArrayList<>();
        for (String namespace : namespaces) {
            Listing part = whole.list(type, in(query, namespace));
            items.addAll(part.items());
            versions.add(part.resourceVersion());
        }
        return new Listing(items, String.join(",", versions));
    }

    @Override
    public Watch watch(ResourceType type, Query query, String resourceVersion, WatchObserver observer) {
        if (!spread(type, query)) {
            return whole.watch(type, query, resourceVersion, observer);
        }
        if (namespaces.size() == 1) {
            return whole.watch(type, in(query, namespaces.getFirst()), resourceVersion, observer);
        }
        String[] versions = resourceVersion.isEmpty() ? new String[0] : resourceVersion.split(",");
        if (versions.length != 0 && versions.length != namespaces.size()) {
            observer.closed(Statuses.expired("a watch over several namespaces begins where their list ended"));
            return () -> {};
        }
        Parts parts = new Parts(observer);
        Iterator<String> from = List.of(versions).iterator();
        for (String namespace : namespaces) {
            parts.add(whole.watch(type, in(query, namespace), from.hasNext() ? from.next() : "", parts));
        }
        return parts;
    }

    /** The watches of the namespaces as one. */
    private static final class Parts implements Watch, WatchObserver {
        private final WatchObserver observer;
        private final List<Watch> watches = new ArrayList<>();
        private boolean ended;

        Parts(WatchObserver observer) {
            this.observer = observer;
        }

        void add(Watch watch) {
            synchronized (this) {
                if (!ended) {
                    watches.add(watch);
                    return;
                }
            }
            watch.close();
        }

        @Override
        public synchronized void event(EventType type, ObjectNode object) {
            // A bookmark of one namespace says nothing about the others.
            if (!ended && type != EventType.BOOKMARK) {
                observer.event(type, object);
            }
        }

        @Override
        public void closed(@Nullable ApiException error) {
            if (end()) {
                observer.closed(error == null ? Statuses.expired("the watch of one namespace ended") : error);
            }
        }

        @Override
        public void close() {
            boolean _ = end();
        }

        private boolean end() {
            List<Watch> open;
            synchronized (this) {
                if (ended) {
                    return false;
                }
                ended = true;
                open = List.copyOf(watches);
                watches.clear();
            }
            open.forEach(Watch::close);
            return true;
        }
    }

    // What names an object is passed on.

    @Override
    public Optional<ObjectNode> get(ResourceType type, String namespace, String name) {
        return whole.get(type, namespace, name);
    }

    @Override
    public ObjectNode create(ResourceType type, ObjectNode object) {
        return whole.create(type, object);
    }

    @Override
    public ObjectNode update(ResourceType type, ObjectNode object) {
        return whole.update(type, object);
    }

    @Override
    public ObjectNode updateStatus(ResourceType type, ObjectNode object) {
        return whole.updateStatus(type, object);
    }

    @Override
    public ObjectNode mergePatch(
            ResourceType type, String namespace, String name, @Nullable String subresource, ObjectNode patch) {
        return whole.mergePatch(type, namespace, name, subresource, patch);
    }

    @Override
    public ObjectNode apply(ResourceType type, ObjectNode object, String fieldManager, boolean force) {
        return whole.apply(type, object, fieldManager, force);
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name) {
        return whole.delete(type, namespace, name);
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name, Deletion deletion) {
        return whole.delete(type, namespace, name, deletion);
    }

    @Override
    public void event(ObjectNode regarding, String type, String reason, String note) {
        whole.event(regarding, type, reason, note);
    }

    @Override
    public List<ServedType> types() {
        return whole.types();
    }

    @Override
    public ObjectNode table(ResourceType type, Query query) {
        return whole.table(type, query);
    }
}
