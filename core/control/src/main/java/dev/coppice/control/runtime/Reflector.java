package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.Trigger;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Task;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Mirrors the objects of a type into a sink, for ever: lists, then watches from there; watches on when the server ends the
 * watch in order; lists anew when it may have missed something (410 Gone, an error, a sink too slow), with back-off. Run it
 * as a task of the kernel; when that is restarted, it lists anew.
 */
public final class Reflector implements Task {

    private static final System.Logger LOG = System.getLogger(Reflector.class.getName());
    private static final int EVENTS_BUFFERED = 16_384;

    /** Where the objects go. Called by one thread at a time. */
    public interface Sink {
        /** These are all there are now. */
        void replace(List<ObjectNode> objects);

        /** One was added, modified or deleted. */
        void changed(EventType type, ObjectNode object);
    }

    private sealed interface Signal {}

    private record Change(EventType type, ObjectNode object) implements Signal {}

    private record Closed(@Nullable ApiException error) implements Signal {}

    private final Kernel kernel;
    private final ResourceClient client;
    private final ResourceType type;
    private final Query query;
    private final Sink sink;
    private final RuntimeMetrics metrics;
    private final String label;
    private final CountDownLatch synced = new CountDownLatch(1);
    private final Object turn = new Object();
    private long run;

    public Reflector(Kernel kernel, ResourceClient client, ResourceType type, Query query, Sink sink) {
        this.kernel = kernel;
        this.client = client;
        this.type = type;
        this.query = query;
        this.sink = sink;
        this.metrics = RuntimeMetrics.of(kernel.metrics());
        this.label = label(type);
    }

    /** Such as {@code configmaps} or {@code healthchecks.health.coppice.dev}. */
    public static String label(ResourceType type) {
        return type.group().isEmpty() ? type.plural() : type.plural() + "." + type.group();
    }

    /** Whether a first list reached the sink. */
    public boolean synced() {
        return synced.getCount() == 0;
    }

    /** Waits for the first list (real time); false when it takes longer. */
    public boolean awaitSynced(Duration limit) throws InterruptedException {
        return synced.await(limit.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Waits for the first list. */
    public void awaitSynced() throws InterruptedException {
        synced.await();
    }

    @Override
    public void run() throws InterruptedException {
        long mine;
        synchronized (turn) {
            mine = ++run;
        }
        int failures = 0;
        while (current(mine)) {
            try {
                listAndWatch(mine);
                failures = 0;
            } catch (ApiException e) {
                failures++;
                metrics.watchFailures.labelValues(label).inc();
                Level level = failures == 5 ? Level.WARNING : Level.DEBUG;
                LOG.log(level, "cannot list or watch " + label + " (" + failures + " times): " + e.getMessage());
                kernel.timers().sleep(Backoff.WATCHES.after(failures, kernel.random()));
            }
        }
    }

    /** Returns when everything has to be listed anew. */
    private void listAndWatch(long mine) throws InterruptedException {
        ResourceClient.Listing listing = client.list(type, query);
        metrics.relists.labelValues(label).inc();
        deliver(mine, () -> sink.replace(listing.items()));
        synced.countDown();
        String resourceVersion = listing.resourceVersion();
        int quick = 0;
        while (true) {
            long startNanos = kernel.clock().nanoTime();
            String reached = watch(mine, resourceVersion);
            if (reached == null) {
                return;
            }
            boolean useless = reached.equals(resourceVersion)
                    && kernel.clock().nanoTime() - startNanos
                            < Duration.ofSeconds(1).toNanos();
            quick = useless ? quick + 1 : 0;
            if (useless) {
                kernel.timers().sleep(Backoff.WATCHES.after(quick, kernel.random()));
            }
            resourceVersion = reached;
        }
    }

    /** Watches until the server ends it; gives where the next watch starts, or null when a list is needed. */
    private @Nullable String watch(long mine, String from) throws InterruptedException {
        BlockingQueue<Signal> signals = new LinkedBlockingQueue<>(EVENTS_BUFFERED);
        Overflow overflow = new Overflow();
        ResourceClient.WatchObserver observer = new ResourceClient.WatchObserver() {
            @Override
            public void event(EventType type, ObjectNode object) {
                if (!signals.offer(new Change(type, object))) {
                    overflow.happened = true;
                }
            }

            @Override
            public void closed(@Nullable ApiException error) {
                if (!signals.offer(new Closed(error))) {
                    overflow.happened = true;
                }
            }
        };
        String reached = from;
        ResourceClient.Watch watch = client.watch(type, query, from, observer);
        try (watch) {
            while (!overflow.happened) {
                switch (signals.take()) {
                    case Change(EventType event, ObjectNode object) -> {
                        reached =
                                object.path("metadata").path("resourceVersion").asText(reached);
                        if (event != EventType.BOOKMARK) {
                            deliver(mine, () -> Trigger.run(trigger(object), () -> sink.changed(event, object)));
                        }
                    }
                    case Closed(ApiException error) -> {
                        return next(error, reached);
                    }
                }
            }
        }
        metrics.watchFailures.labelValues(label).inc();
        return null;
    }

    /** What a change of an object sets off. */
    private List<Trigger> trigger(ObjectNode object) {
        return List.of(trigger(type, object));
    }

    static Trigger trigger(ResourceType type, ObjectNode object) {
        JsonNode metadata = object.path("metadata");
        return new Trigger.Change(
                type,
                metadata.path("namespace").asText(""),
                metadata.path("name").asText(""),
                metadata.path("resourceVersion").asText(""));
    }

    private static @Nullable String next(@Nullable ApiException error, String reached) {
        if (error == null) {
            return reached;
        }
        if (error.code() == 410) {
            return null;
        }
        throw error;
    }

    /** A run that was killed may still be on its way: only the newest one writes. */
    private void deliver(long mine, Runnable action) throws InterruptedException {
        synchronized (turn) {
            if (mine != run) {
                throw new InterruptedException("superseded by a restart");
            }
            action.run();
        }
    }

    private boolean current(long mine) {
        synchronized (turn) {
            return mine == run;
        }
    }

    private static final class Overflow {
        volatile boolean happened;
    }
}
