package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Controller;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Runs controllers and the informers they share, below one supervisor: {@code informers/TYPE} keeps the local copy of a
 * type, {@code controllers/NAME/worker-N} reconciles. Safe for use by many threads.
 */
public final class ControllerManager {

    private static final Duration SYNC_LIMIT = Duration.ofSeconds(30);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);
    private static final SupervisorOptions RESTARTS =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(10));

    private final Kernel kernel;
    private final ResourceClient client;
    private final Supervisor informers;
    private final Supervisor controllers;
    private final EventRecorder events;
    private final Map<ResourceType, ObjectCache<ObjectNode>> trees = new HashMap<>();
    private final Map<ResourceType, ObjectCache<?>> records = new HashMap<>();
    private final Map<String, Running> running = new HashMap<>();

    private record Running(WorkQueue<Key> queue, List<AutoCloseable> observers) {}

    /** Starts, with nothing to do yet, two supervisors below {@code parent}. */
    public ControllerManager(Kernel kernel, Supervisor parent, ResourceClient client) throws StartException {
        this.kernel = kernel;
        this.client = client;
        this.informers = parent.startSupervisor("informers", RESTARTS);
        this.controllers = parent.startSupervisor("controllers", RESTARTS);
        this.events = new EventRecorder(kernel, client);
    }

    /** Records events about objects; see {@link EventRecorder}. */
    public EventRecorder events() {
        return events;
    }

    /** The shared copy of all objects of a kind. Waits until it is filled, at most 30 seconds. */
    public <S extends Record, T extends Record> RecordInformer<S, T> informer(Kind<S, T> kind) {
        ObjectCache<Resource<S, T>> cache = cache(kind);
        awaitSynced(cache, kind.type());
        return new RecordInformer<>(cache);
    }

    /** The shared copy of all objects of a type, as trees. Waits until it is filled, at most 30 seconds. */
    public ObjectCache<ObjectNode> trees(ResourceType type) {
        ObjectCache<ObjectNode> cache = treeCache(type);
        awaitSynced(cache, type);
        return cache;
    }

    /** The shared copy of all objects of a type, as trees; it may not be filled yet. */
    public ObjectCache<ObjectNode> treesLater(ResourceType type) {
        return treeCache(type);
    }

    private void awaitSynced(ObjectCache<?> cache, ResourceType type) {
        try {
            if (!cache.awaitSynced(SYNC_LIMIT)) {
                throw new IllegalStateException("the objects of " + Reflector.label(type) + " did not arrive within "
                        + SYNC_LIMIT.toSeconds() + " s; is the type served, and may " + informers.path() + " list it?");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + Reflector.label(type), e);
        }
    }

    @SuppressWarnings("unchecked") // a type has one kind
    private <S extends Record, T extends Record> ObjectCache<Resource<S, T>> cache(Kind<S, T> kind) {
        synchronized (records) {
            ObjectCache<?> known = records.get(kind.type());
            if (known != null) {
                return (ObjectCache<Resource<S, T>>) known;
            }
            ObjectCache<Resource<S, T>> made =
                    new ObjectCache<>(kernel, kind.type(), tree -> RecordInformer.read(kind, tree), this::unreadable);
            fill(made, kind.type(), "");
            records.put(kind.type(), made);
            return made;
        }
    }

    private ObjectCache<ObjectNode> treeCache(ResourceType type) {
        synchronized (trees) {
            ObjectCache<ObjectNode> known = trees.get(type);
            if (known != null) {
                return known;
            }
            ObjectCache<ObjectNode> made = new ObjectCache<>(kernel, type, tree -> tree, this::unreadable);
            fill(made, type, " trees");
            trees.put(type, made);
            return made;
        }
    }

    private void fill(ObjectCache<?> cache, ResourceType type, String suffix) {
        Reflector reflector = new Reflector(kernel, client, type, Query.ALL, cache);
        cache.filledBy(reflector);
        try {
            Supervisor.Child _ = informers.start(ChildSpec.task(Reflector.label(type) + suffix, reflector));
        } catch (StartException e) {
            throw new IllegalStateException("the informer of " + Reflector.label(type) + " did not start", e);
        }
    }

    private void unreadable(ObjectNode tree, Exception problem) {
        events.record(
                tree,
                "Warning",
                "Unreadable",
                "The object does not fit its schema and is not acted upon until it is corrected: "
                        + problem.getMessage());
    }

    /** Starts a controller; its workers begin once the copy of its kind is filled. */
    public <S extends Record, T extends Record> void start(Controller<S, T> controller) throws StartException {
        start(controller, WorkQueue.Options.DEFAULT);
    }

    /** Starts a controller whose queue has other bounds and delays than usual. */
    public <S extends Record, T extends Record> void start(Controller<S, T> controller, WorkQueue.Options options)
            throws StartException {
        WorkQueue<Key> queue = new WorkQueue<>(controller.name(), kernel, options);
        Supervisor supervisor = controllers.startSupervisor(controller.name(), RESTARTS);
        ObjectCache<Resource<S, T>> objects = cache(controller.kind());
        List<AutoCloseable> observers = new java.util.ArrayList<>();
        observers.add(objects.observe(
                (before, after) -> after.or(() -> before).map(Resource::key).ifPresent(key -> add(queue, key))));
        for (Controller.Watched watched : controller.watches()) {
            observers.add(treeCache(watched.type()).observe(waking(queue, watched)));
        }
        controller.wakers().forEach(waker -> waker.accept(key -> add(queue, key)));
        synchronized (running) {
            running.put(controller.name(), new Running(queue, observers));
        }
        new WorkLoop<>(
                        controller.name(),
                        kernel,
                        queue,
                        (Key key) -> controller
                                .reconciler()
                                .reconcile(new Reconciler.Request<>(key, objects.get(key), client)))
                .start(supervisor, controller.parallelism(), objects::awaitSynced);
    }

    /** Both what a changed object concerned before and what it concerns now wakes up. */
    private static BiConsumer<Optional<ObjectNode>, Optional<ObjectNode>> waking(
            WorkQueue<Key> queue, Controller.Watched watched) {
        return (before, after) -> {
            before.ifPresent(tree -> watched.keys().apply(tree).forEach(key -> add(queue, key)));
            after.ifPresent(tree -> watched.keys().apply(tree).forEach(key -> add(queue, key)));
        };
    }

    private static void add(WorkQueue<Key> queue, Key key) {
        try {
            queue.add(key);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the informer stops; when it starts again it lists anew
        }
    }

    /** Wakes a key of a running controller, as a change would; false when no such controller runs. */
    public boolean wake(String controller, Key key) {
        WorkQueue<Key> queue;
        synchronized (running) {
            Running found = running.get(controller);
            if (found == null) {
                return false;
            }
            queue = found.queue();
        }
        add(queue, key);
        return true;
    }

    /** Stops a controller: it takes up nothing new; what it does now may take 5 more seconds. */
    public boolean stop(String controller) throws InterruptedException {
        Running found;
        synchronized (running) {
            found = running.remove(controller);
        }
        if (found == null) {
            return false;
        }
        for (AutoCloseable observer : found.observers()) {
            try {
                observer.close();
            } catch (Exception e) {
                throw new IllegalStateException(e); // closing an observer does not fail
            }
        }
        found.queue().close();
        boolean _ = found.queue().awaitIdle(STOP_LIMIT);
        return controllers.stop(controller);
    }
}
