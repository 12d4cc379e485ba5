package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Telemetry within one kernel. Which handlers get an event is worked out once per name and set of handlers; with no handler
 * at all an emit is one volatile read.
 */
final class LocalTelemetry implements Telemetry {
    private static final System.Logger LOG = System.getLogger(LocalTelemetry.class.getName());
    private static final int MAX_NAMES = 10_000;
    private static final TelemetryHandler[] NOBODY = {};

    /** A set of handlers, and who of them gets which name. */
    private record Routes(TelemetryHandler[] all, Map<String, TelemetryHandler[]> byName) {
        static final Routes NONE = new Routes(NOBODY, Map.of());

        static Routes of(TelemetryHandler[] all) {
            return all.length == 0 ? NONE : new Routes(all, new ConcurrentHashMap<>());
        }

        TelemetryHandler[] to(String name) {
            if (all.length == 0) {
                return NOBODY;
            }
            TelemetryHandler[] known = byName.get(name);
            if (known != null) {
                return known;
            }
            TelemetryHandler[] found = Arrays.stream(all)
                    .filter(handler -> name.startsWith(handler.prefix))
                    .toArray(TelemetryHandler[]::new);
            if (byName.size() < MAX_NAMES) {
                byName.put(name, found);
            }
            return found;
        }
    }

    private final KernelMetrics metrics;
    private final Clock clock;
    private final RandomGenerator random;
    private final LongAdder events = new LongAdder();
    private volatile Routes routes = Routes.NONE;

    LocalTelemetry(KernelMetrics metrics, Clock clock, RandomGenerator random) {
        this.metrics = metrics;
        this.clock = clock;
        this.random = random;
        metrics.watchTelemetry(events, () -> routes.all.length);
    }

    @Override
    public void emit(Event event) {
        TelemetryHandler[] handlers = routes.to(event.name());
        if (handlers.length == 0) {
            return;
        }
        events.increment();
        for (TelemetryHandler handler : handlers) {
            handler.take(event);
        }
    }

    /** Names whose handlers are remembered. */
    int knownNames() {
        return routes.byName.size();
    }

    @Override
    public boolean listens(String name) {
        return routes.to(name).length > 0;
    }

    @Override
    public Subscription subscribe(String id, String prefix, Handler handler) {
        return attach(new TelemetryHandler(id, prefix, 0, handler, metrics, this::fail));
    }

    @Override
    public Subscription subscribe(String id, String prefix, int capacity, Handler handler) {
        if (capacity < 1) {
            throw new IllegalArgumentException(
                    "capacity " + capacity + " of telemetry handler " + id + " must be at least 1");
        }
        return attach(new TelemetryHandler(id, prefix, capacity, handler, metrics, this::fail));
    }

    private synchronized Subscription attach(TelemetryHandler handler) {
        TelemetryHandler[] more = Arrays.copyOf(routes.all, routes.all.length + 1);
        more[more.length - 1] = handler;
        routes = Routes.of(more);
        return () -> remove(handler);
    }

    private synchronized boolean remove(TelemetryHandler handler) {
        TelemetryHandler[] before = routes.all;
        TelemetryHandler[] left =
                Arrays.stream(before).filter(other -> other != handler).toArray(TelemetryHandler[]::new);
        routes = Routes.of(left);
        handler.close();
        return left.length < before.length;
    }

    private void fail(TelemetryHandler handler, Event event, Throwable cause) {
        if (remove(handler)) {
            metrics.telemetryDetached.inc();
            LOG.log(
                    Level.WARNING,
                    "telemetry handler " + handler.id + " failed at " + event.name() + " and was detached",
                    cause);
        }
    }

    @Override
    public int detach(String id) {
        int detached = 0;
        for (TelemetryHandler handler : routes.all) {
            if (handler.id.equals(id) && remove(handler)) {
                detached++;
            }
        }
        return detached;
    }

    @Override
    public List<Attached> handlers() {
        return Arrays.stream(routes.all).map(TelemetryHandler::attached).toList();
    }

    @Override
    public <T, X extends Exception> T span(String name, Map<String, Object> metadata, Spanned<T, X> work) throws X {
        if (routes.all.length == 0) {
            return work.run(Unheard.SPAN);
        }
        SpanContext parent = SpanContext.current().orElse(null);
        SpanContext own = parent == null
                ? new SpanContext(random.nextLong(), random.nextLong(), random.nextLong())
                : new SpanContext(parent.traceHigh(), parent.traceLow(), random.nextLong());
        return own.call(() -> new OpenSpan(name, metadata, own, parent).run(work));
    }

    private enum Unheard implements Span {
        SPAN;

        @Override
        public void put(String key, Object value) {}

        @Override
        public void measure(String key, Number value) {}
    }

    /** A span under way that somebody may listen to. */
    private final class OpenSpan implements Span {
        private final String name;
        private final Map<String, Object> metadata;
        private final Map<String, Number> measurements = new HashMap<>();

        OpenSpan(String name, Map<String, Object> metadata, SpanContext own, @Nullable SpanContext parent) {
            this.name = name;
            this.metadata = new HashMap<>(metadata);
            this.metadata.put("span", own);
            if (parent != null) {
                this.metadata.put("parent", parent);
            }
        }

        @Override
        public void put(String key, Object value) {
            metadata.put(key, value);
        }

        @Override
        public void measure(String key, Number value) {
            measurements.put(key, value);
        }

        @SuppressWarnings("CatchingUnchecked")
        <T, X extends Exception> T run(Spanned<T, X> work) throws X {
            long from = clock.nanoTime();
            tell(".start", from, null);
            T result;
            try {
                result = work.run(this);
            } catch (Throwable t) {
                put("error", t);
                tell(".exception", from, t);
                throw t;
            }
            tell(".stop", from, null);
            return result;
        }

        private void tell(String what, long from, @Nullable Throwable error) {
            String event = name + what;
            if (!listens(event)) {
                return;
            }
            Map<String, Number> numbers = new HashMap<>(measurements);
            long now = clock.nanoTime();
            numbers.put("monotonic_nanos", now);
            if (error != null || !what.equals(".start")) {
                numbers.put("duration_nanos", now - from);
            }
            emit(new Event(event, Map.copyOf(numbers), Map.copyOf(metadata)));
        }
    }
}
