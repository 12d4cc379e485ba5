package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.DeleteOptions;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Reader;
import dev.coppice.control.engine.Target;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.http.Tables;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.ListOptions;
import dev.coppice.control.request.Selectors;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.control.storage.Change;
import dev.coppice.control.storage.Subscription;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.schema.patch.MergePatch;
import dev.coppice.serving.Identity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The resource API in this process: the engine that serves requests, without HTTP. Acts as one identity; field ownership
 * is written under its name. Each watch is a task below the given supervisor. Safe for use by many threads.
 */
public final class LocalResourceClient implements ResourceClient {

    private static final Duration POLL = Duration.ofSeconds(30);
    private final Kernel kernel;
    private final Supervisor watches;
    private final Engine engine;
    private final Reader reader;
    private final Registry registry;
    private final Identity identity;
    private final String manager;
    private final AtomicLong watchNumbers = new AtomicLong();
    private final EventSeries events;

    /**
     * A client.
     *
     * @param watches where watches run
     * @param identity who it acts as
     * @param manager the field manager of what it writes, such as {@code coppice-health}
     */
    public LocalResourceClient(
            Kernel kernel,
            Supervisor watches,
            Engine engine,
            Reader reader,
            Registry registry,
            Identity identity,
            String manager) {
        this.kernel = kernel;
        this.watches = watches;
        this.engine = engine;
        this.reader = reader;
        this.registry = registry;
        this.identity = identity;
        this.manager = manager;
        this.events = new EventSeries(kernel, this, manager);
    }

    private Caller caller() {
        return Caller.of(identity, manager);
    }

    private Definition definition(ResourceType type) {
        Definition found = registry.find(type.group(), type.version(), type.plural());
        if (found == null) {
            throw Statuses.of(404, "NotFound", "the server could not find the requested resource");
        }
        return found;
    }

    /** The definition of a type that can be written. */
    private Definition stored(ResourceType type) {
        Definition found = definition(type);
        if (found.computed() != null) {
            throw Statuses.computed(found.group(), found.plural(), "write", found.verbs());
        }
        return found;
    }

    private Target target(ResourceType type, ObjectNode object, String subresource) {
        Key key = ObjectCache.key(object);
        return new Target(stored(type), key.namespace(), key.name(), subresource);
    }

    private WriteOptions options() {
        return WriteOptions.manager(manager);
    }

    @Override
    public Optional<ObjectNode> get(ResourceType type, String namespace, String name) {
        Definition definition = definition(type);
        Target target = Target.of(definition, namespace, name);
        if (definition.computed() != null) {
            return Optional.ofNullable(reader.get(target, "")).map(CachedObject::tree);
        }
        return Optional.ofNullable(engine.read(target));
    }

    @Override
    public Listing list(ResourceType type, Query query) {
        Definition definition = definition(type);
        Reader.Listing listing = reader.list(definition, query.namespace(), listOptions(query));
        List<ObjectNode> items = new ArrayList<>(listing.objects().size());
        listing.objects().forEach(each -> items.add(Engine.served(definition, each)));
        return new Listing(items, Long.toString(listing.revision()));
    }

    private static ListOptions listOptions(Query query) {
        return new ListOptions(
                Selectors.labels(query.labelSelector()),
                Selectors.fields(query.fieldSelector()),
                false,
                false,
                "",
                "",
                0,
                "",
                Optional.empty(),
                0);
    }

    @Override
    public ObjectNode create(ResourceType type, ObjectNode object) {
        return engine.create(target(type, object, ""), object, options(), caller())
                .object();
    }

    @Override
    public ObjectNode update(ResourceType type, ObjectNode object) {
        return engine.update(target(type, object, ""), object, options(), caller())
                .object();
    }

    @Override
    public ObjectNode updateStatus(ResourceType type, ObjectNode object) {
        return engine.update(target(type, object, "status"), object, options(), caller())
                .object();
    }

    @Override
    public ObjectNode mergePatch(
            ResourceType type, String namespace, String name, @Nullable String subresource, ObjectNode patch) {
        Target target = new Target(stored(type), namespace, name, Objects.requireNonNullElse(subresource, ""));
        return engine.patch(
                        target,
                        old -> {
                            if (MergePatch.apply(old, patch) instanceof ObjectNode merged) {
                                return merged;
                            }
                            throw Statuses.badRequest("the patch does not leave a JSON object");
                        },
                        options(),
                        caller())
                .object();
    }

    @Override
    public ObjectNode apply(ResourceType type, ObjectNode object, String fieldManager, boolean force) {
        WriteOptions options = WriteOptions.manager(fieldManager);
        return engine.apply(target(type, object, ""), object, force ? options.forced() : options, caller())
                .object();
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name) {
        return delete(type, namespace, name, DeleteOptions.DEFAULT);
    }

    @Override
    public boolean delete(ResourceType type, String namespace, String name, Deletion deletion) {
        String propagation = switch (deletion.propagation()) {
            case BACKGROUND -> "Background";
            case FOREGROUND -> "Foreground";
            case ORPHAN -> "Orphan";
        };
        String uid = Objects.requireNonNullElse(deletion.uid(), "");
        return delete(type, namespace, name, new DeleteOptions(false, propagation, uid, ""));
    }

    private boolean delete(ResourceType type, String namespace, String name, DeleteOptions options) {
        try {
            Engine.Deleted _ = engine.delete(Target.of(stored(type), namespace, name), options, caller());
            return true;
        } catch (ApiException e) {
            if (e.code() == 404) {
                return false;
            }
            throw e;
        }
    }

    // Watching.

    @Override
    public Watch watch(ResourceType type, Query query, String resourceVersion, WatchObserver observer) {
        Definition definition = definition(type);
        if (definition.computed() != null) {
            observer.closed(Statuses.computed(definition.group(), definition.plural(), "watch", definition.verbs()));
            return () -> {};
        }
        long from = resourceVersion.isEmpty() ? engine.feed().fresh() : ListOptions.revision(resourceVersion);
        Subscription subscription;
        try {
            subscription = definition.cache().subscribe(from);
        } catch (ApiException e) {
            observer.closed(e);
            return () -> {};
        }
        String child = type.plural() + "-" + watchNumbers.incrementAndGet();
        Pump pump = new Pump(definition, query.namespace(), listOptions(query), subscription, observer);
        try {
            Supervisor.Child _ =
                    watches.start(ChildSpec.task(child, pump::run).withRestart(ChildSpec.Restart.TEMPORARY));
        } catch (StartException e) {
            subscription.close();
            throw Statuses.of(503, "ServiceUnavailable", "the watch could not be started: " + e.getMessage());
        }
        return () -> {
            pump.closed = true;
            subscription.close();
            boolean _ = watches.stop(child);
        };
    }

    /** Carries changes from a subscription to an observer. */
    private static final class Pump {
        private final Definition definition;
        private final String namespace;
        private final ListOptions options;
        private final Subscription subscription;
        private final WatchObserver observer;
        private volatile boolean closed;

        Pump(
                Definition definition,
                String namespace,
                ListOptions options,
                Subscription subscription,
                WatchObserver observer) {
            this.definition = definition;
            this.namespace = namespace;
            this.options = options;
            this.subscription = subscription;
            this.observer = observer;
        }

        void run() throws InterruptedException {
            try {
                while (true) {
                    Change change = subscription.take(POLL);
                    if (change != null) {
                        pass(change);
                    } else if (subscription.ended()) {
                        return;
                    }
                }
            } finally {
                subscription.close();
                if (!closed) {
                    observer.closed(
                            subscription.overflowed()
                                    ? Statuses.expired("the watch did not keep up with the changes; list again")
                                    : null);
                }
            }
        }

        private boolean chosen(@Nullable CachedObject object) {
            return object != null
                    && (namespace.isEmpty() || object.namespace().equals(namespace))
                    && Reader.matches(definition, object, options);
        }

        private void pass(Change change) {
            CachedObject before = change.before();
            CachedObject after = change.after();
            boolean was = chosen(before);
            boolean is = chosen(after);
            if (is && after != null) {
                observer.event(was ? EventType.MODIFIED : EventType.ADDED, Engine.served(definition, after));
            } else if (was && before != null) {
                ObjectNode left = Engine.served(definition, before);
                Json.metadata(left).put("resourceVersion", Long.toString(change.revision()));
                observer.event(EventType.DELETED, left);
            }
        }
    }

    // Events, types, tables.

    @Override
    public void event(ObjectNode regarding, String type, String reason, String note) {
        events.write(regarding, type, reason, note);
    }

    @Override
    public List<ServedType> types() {
        List<ServedType> types = new ArrayList<>();
        for (Definition each : registry.snapshot().all()) {
            types.add(new ServedType(each.type(), each.kind(), each.namespaced(), each.verbs(), each.categories()));
        }
        return List.copyOf(types);
    }

    @Override
    public ObjectNode table(ResourceType type, Query query) {
        Definition definition = definition(type);
        Reader.Listing listing = reader.list(definition, query.namespace(), listOptions(query));
        ObjectNode table = Tables.table(definition, true, Long.toString(listing.revision()));
        for (CachedObject each : listing.objects()) {
            Tables.addRow(
                    table,
                    definition,
                    each.tree(),
                    Engine.served(definition, each),
                    "Metadata",
                    kernel.clock().now());
        }
        return table;
    }
}
