package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks into a running kernel (Erlang: observer, recon): how each child is, which are the busiest, what one process does.
 * It costs nothing while nobody looks, and a look is bounded. Safe for many threads.
 */
public final class Inspector {
    /** Traces that may run or be kept at a time. */
    public static final int MAX_TRACES = 16;

    /** Objects that one child's estimate of memory looks at in a list, and all of them together. */
    private static final int MEMORY_OBJECTS = 1_000;

    private static final int MEMORY_OBJECTS_IN_ALL = 200_000;
    private static final int MEMORY_OBJECTS_ALONE = 100_000;
    private static final int MAIL_BYTES = 48;
    private static final int MAX_STACK = 60;
    private static final int MAX_STATE = 4_000;
    private static final Duration STATE_PATIENCE = Duration.ofMillis(500);

    private static final Rates.Rate IDLE = new Rates.Rate(0, 0, Duration.ZERO);

    private final Kernel kernel;
    private final LongSupplier nanos;
    private final Rates rates = new Rates();
    private final Sampler sampler;
    private final AtomicBoolean forgetting = new AtomicBoolean();
    private final Map<String, Trace> traces = new LinkedHashMap<>();
    private final Map<Supervisor.Child, CompletableFuture<Optional<Object>>> asking = new ConcurrentHashMap<>();

    /** What to order by, greatest first. */
    public enum Order {
        MAILBOX,
        CPU,
        MEMORY,
        RESTARTS,
        /** Messages per second. */
        RATE
    }

    Inspector(Kernel kernel, LongSupplier nanos) {
        this.kernel = kernel;
        this.nanos = nanos;
        this.sampler = new Sampler(kernel);
        kernel.meters().watchInspector(rates::size, () -> traces().size());
    }

    // ---- looking

    /** How many objects the estimates of memory of one look may still visit. */
    private static final class Budget {
        private int left = MEMORY_OBJECTS_IN_ALL;

        private Footprint.Size spend(@Nullable Object root, int most) {
            Footprint.Size size = Footprint.of(root, Math.min(left, most));
            left -= size.objects();
            return size;
        }
    }

    /** One child as a list shows it; made when asked for. */
    public final class Glance {
        private final Supervisor.Child child;
        private final Budget budget;
        private final int omitted;

        private Glance(Supervisor.Child child, Budget budget, int omitted) {
            this.child = child;
            this.budget = budget;
            this.omitted = omitted;
        }

        public String path() {
            return child.path();
        }

        public Traits traits() {
            return Traits.of(child.spec());
        }

        /** Children of it that the list leaves out. */
        public int omitted() {
            return omitted;
        }

        public Vitals vitals() {
            return Inspector.this.vitals(child, budget, MEMORY_OBJECTS);
        }
    }

    /**
     * Everything that runs, parents first.
     *
     * @param maxChildren of each supervisor; the rest is only counted
     */
    public List<Glance> list(int maxChildren) {
        List<Glance> found = new ArrayList<>();
        Budget budget = new Budget();
        walk(kernel.root(), maxChildren, (child, omitted) -> found.add(new Glance(child, budget, omitted)));
        return found;
    }

    /** The children left out of a list of the top supervisor itself. */
    public int omittedAtTop(int maxChildren) {
        return Math.max(0, kernel.root().childCount() - maxChildren);
    }

    /** How the child at a path is. */
    public Optional<Vitals> vitals(String path) {
        return kernel.find(path).map(child -> vitals(child, new Budget(), MEMORY_OBJECTS));
    }

    private Vitals vitals(Supervisor.Child child, Budget budget, int objects) {
        Rates.Rate rate = rate(child);
        Footprint.Size size = memory(child, budget, objects);
        return new Vitals(
                child.childName(),
                child.path(),
                child.spec().sort(),
                child.state(),
                child.restarts(),
                child.mailbox(),
                child.handled(),
                rate.messages(),
                child.busy(),
                child.busyShare(),
                rate.busy(),
                cpu(child, rate),
                rate.window(),
                size.bytes(),
                size.cut(),
                child.startedAt(),
                child.lastFailure().map(Throwable::toString),
                child.spec().body() instanceof ChildSpec.SupervisorBody
                        ? child.supervisor().childCount()
                        : 0);
    }

    Rates.Rate rate(Supervisor.Child child) {
        Duration busy = child.busy();
        double share = child.busyShare();
        Duration up = Duration.between(child.startedAt(), kernel.clock().now());
        // The two clocks may differ under test; the share tells the time since the start, too.
        long upNanos = share > 0 && share < 1 ? (long) (busy.toNanos() / share) : WheelTimers.nanos(up);
        Rates.Seen now = new Rates.Seen(nanos.getAsLong(), child.restarts(), child.handled(), busy.toNanos());
        Rates.Rate rate = rates.look(child, now, upNanos);
        if (forgetting.compareAndSet(false, true)) {
            forgetLater();
        }
        return rate;
    }

    /** The share of one processor, as far as can be told. */
    double cpu(Supervisor.Child child, Rates.Rate rate) {
        return rate.busy() < 0.001 ? rate.busy() : rate.busy() * sampler.computing(child);
    }

    private void forgetLater() {
        kernel.timers().schedule(Rates.KEPT.plusSeconds(1), () -> {
            if (rates.forget(nanos.getAsLong())) {
                forgetLater();
            } else {
                forgetting.set(false);
            }
        });
    }

    private static Footprint.Size memory(Supervisor.Child child, Budget budget, int objects) {
        long own = Insides.ownBytes(child) + (long) child.mailbox() * MAIL_BYTES;
        Footprint.Size size = budget.spend(Insides.root(child), objects);
        return new Footprint.Size(own + size.bytes(), size.objects(), size.cut());
    }

    private static void walk(Supervisor at, int maxChildren, ObjIntConsumer<Supervisor.Child> visitor) {
        for (Supervisor.Child child : at.children(maxChildren)) {
            boolean supervisor = child.spec().body() instanceof ChildSpec.SupervisorBody;
            int below = supervisor ? child.supervisor().childCount() : 0;
            visitor.accept(child, Math.max(0, below - maxChildren));
            if (supervisor) {
                walk(child.supervisor(), maxChildren, visitor);
            }
        }
    }

    // ---- the greatest

    /**
     * The first {@code count} of all children by an order, greatest first; those with nothing to show are left out. All are
     * looked at, and no more than {@code count} kept. Estimates of memory look at 200,000 objects at most: in very large pools
     * those that come last are known by their mail alone.
     */
    public List<Glance> top(Order order, int count) {
        return top(EnumSet.of(order), count).getOrDefault(order, List.of());
    }

    /** The same for several orders, of which each child is looked at once. */
    public Map<Order, List<Glance>> top(Set<Order> orders, int count) {
        Map<Order, Greatest<Supervisor.Child>> best = new EnumMap<>(Order.class);
        orders.forEach(order -> best.put(order, new Greatest<>(count)));
        Budget budget = new Budget();
        walk(kernel.root(), Integer.MAX_VALUE, (child, omitted) -> {
            Rates.Rate rate = null;
            for (Map.Entry<Order, Greatest<Supervisor.Child>> each : best.entrySet()) {
                Order order = each.getKey();
                if (rate == null && (order == Order.CPU || order == Order.RATE)) {
                    rate = idle(child) ? IDLE : rate(child);
                }
                each.getValue().offer(score(order, child, rate == null ? IDLE : rate, budget), child);
            }
        });
        Budget shown = new Budget();
        Map<Order, List<Glance>> found = new EnumMap<>(Order.class);
        best.forEach((order, greatest) -> found.put(
                order,
                greatest.ordered().stream()
                        .map(child -> new Glance(child, shown, 0))
                        .toList()));
        return found;
    }

    private static boolean idle(Supervisor.Child child) {
        return child.handled() == 0 && child.busy().isZero();
    }

    private double score(Order order, Supervisor.Child child, Rates.Rate rate, Budget budget) {
        return switch (order) {
            case MAILBOX -> child.mailbox();
            case RESTARTS -> child.restarts();
            case CPU -> rate == IDLE ? 0 : atLeast(0.0005, cpu(child, rate));
            case RATE -> atLeast(0.05, rate.messages());
            case MEMORY -> memory(child, budget, MEMORY_OBJECTS).bytes();
        };
    }

    /** Nothing where the value says nothing. */
    private static double atLeast(double least, double value) {
        return value < least ? 0 : value;
    }

    // ---- one

    /** Everything about the child at a path: its state, what its thread does, its last crashes. */
    public Optional<Insight> insight(String path) {
        return kernel.find(path).map(this::insight);
    }

    private Insight insight(Supervisor.Child child) {
        String path = child.path();
        int slash = path.lastIndexOf('/');
        Told told = state(child);
        return new Insight(
                vitals(child, new Budget(), MEMORY_OBJECTS_ALONE),
                Traits.of(child.spec()),
                slash <= 0 ? "/" : path.substring(0, slash),
                told.state,
                told.note,
                Insides.links(child),
                Insides.monitors(child),
                stack(child),
                crashes(path));
    }

    private record Told(String state, String note) {}

    /** What a process tells of its state, asked in its own thread, between two messages. */
    private Told state(Supervisor.Child child) {
        if (!(child.spec().body() instanceof ChildSpec.ProcessBody) || child.state() != Supervisor.State.RUNNING) {
            return new Told("", "");
        }
        // A process that is stuck is asked once, however often somebody looks.
        CompletableFuture<Optional<Object>> asked = asking.computeIfAbsent(child, Supervisor.Child::describe);
        asked.whenComplete((answer, failure) -> asking.remove(child, asked));
        try {
            String text = asked.get(STATE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                    .map(String::valueOf)
                    .orElse("");
            return new Told(text.length() > MAX_STATE ? text.substring(0, MAX_STATE - 1) + "…" : text, "");
        } catch (TimeoutException e) {
            return new Told("", "it is busy with one message, and did not tell its state within 0.5 s");
        } catch (ExecutionException e) {
            return new Told("", "it failed to tell its state: " + e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Told("", "interrupted");
        }
    }

    private static List<String> stack(Supervisor.Child child) {
        return child.thread().map(thread -> lines(thread.getStackTrace())).orElse(List.of());
    }

    private static List<String> lines(StackTraceElement[] elements) {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < elements.length && i < MAX_STACK; i++) {
            lines.add(elements[i].toString());
        }
        if (elements.length > MAX_STACK) {
            lines.add("… " + (elements.length - MAX_STACK) + " more");
        }
        return lines;
    }

    private List<Insight.Crash> crashes(String path) {
        return kernel.crashes().reversed().stream()
                .filter(report -> report.path().equals(path))
                .map(report -> new Insight.Crash(report.at(), report.words(), report.stack(MAX_STACK)))
                .toList();
    }

    // ---- traces

    /**
     * Starts to trace a process. A trace that has ended before gives way to the new one.
     *
     * @throws NoSuchElementException when there is no such child
     * @throws IllegalArgumentException when it is no process
     * @throws IllegalStateException when it is traced already, or too many others are
     */
    public Trace trace(String path, Trace.Options options) {
        Supervisor.Child child = kernel.find(path)
                .orElseThrow(() -> new NoSuchElementException("there is no child " + path + "; look at the tree"));
        if (!(child.spec().body() instanceof ChildSpec.ProcessBody)) {
            throw new IllegalArgumentException(
                    path + " is a " + child.spec().sort() + ": only processes handle messages that can be traced");
        }
        Instant now = kernel.clock().now();
        Trace trace = new Trace(child.path(), options, now);
        synchronized (traces) {
            Trace before = traces.get(trace.path());
            if (before != null && before.running()) {
                throw new IllegalStateException(trace.path() + " is traced already; stop that trace first");
            }
            traces.remove(trace.path());
            if (traces.size() >= MAX_TRACES && !dropEnded()) {
                throw new IllegalStateException(
                        "there are already " + MAX_TRACES + " traces, the most; stop one of them first");
            }
            traces.put(trace.path(), trace);
        }
        attach(trace);
        // A restart begins a new life, which knows of no tracer.
        trace.onEnd(kernel.telemetry().subscribe("trace " + trace.path(), "kernel.child.restarted", event -> {
            if (trace.path().equals(event.metadata().get("path"))) {
                attach(trace);
            }
        }));
        kernel.timers().schedule(options.duration(), () -> end(trace));
        return trace;
    }

    private void attach(Trace trace) {
        Optional<Supervisor.Child> child = trace.running() ? kernel.find(trace.path()) : Optional.empty();
        child.ifPresent(found -> {
            found.trace((message, waitedNanos, startNanos, tookNanos, failure) -> trace.handled(
                    message, kernel.clock().now().minusNanos(tookNanos), waitedNanos, tookNanos, failure));
            if (!trace.running()) {
                found.trace(null); // it ended at this moment, perhaps before it was attached
            }
        });
    }

    private boolean dropEnded() {
        for (Map.Entry<String, Trace> each : traces.entrySet()) {
            if (!each.getValue().running()) {
                traces.remove(each.getKey());
                return true;
            }
        }
        return false;
    }

    private void end(Trace trace) {
        boolean current;
        synchronized (traces) {
            current = traces.get(trace.path()) == trace && trace.running();
            trace.end(kernel.clock().now());
        }
        if (current) {
            kernel.find(trace.path()).ifPresent(child -> child.trace(null));
            // Another may have been started in the meantime.
            trace(trace.path()).ifPresent(this::attach);
        }
    }

    /** The trace of a process that runs, or ran last. */
    public Optional<Trace> trace(String path) {
        synchronized (traces) {
            return Optional.ofNullable(traces.get(path));
        }
    }

    /** All traces that run or are kept. */
    public List<Trace> traces() {
        synchronized (traces) {
            return List.copyOf(traces.values());
        }
    }

    /** Stops the trace of a process; what it found can still be read. False when there is none that runs. */
    public boolean stopTrace(String path) {
        Optional<Trace> found = trace(path).filter(Trace::running);
        found.ifPresent(this::end);
        return found.isPresent();
    }
}
