package dev.coppice.kernel.flow;

import dev.coppice.kernel.flow.Pane.Cause;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Reduces the windows of one partition. */
record Windowing(Window<Object> window, Supplier<Object> initial, BiFunction<Object, Object, Object> step)
        implements Plan.Step {
    private static final int MAX_OPEN = 100_000;
    private static final Duration LOOK = Duration.ofMillis(100);

    @Override
    public Link link(Context context, Link next) {
        return new Panes(context, next);
    }

    @Override
    public @Nullable Duration tick() {
        Duration period = window.triggerPeriod;
        Duration other = switch (window.kind) {
            case Window.All<Object> _, Window.Count<Object> _ -> null;
            case Window.Periodic<Object>(Duration every) -> every;
            case Window.EventTime<Object> _ -> LOOK;
        };
        if (period == null || other == null) {
            return period == null ? other : period;
        }
        return period.compareTo(other) < 0 ? period : other;
    }

    @Override
    public boolean keepsItems() {
        return true;
    }

    @Override
    public boolean followsProgress() {
        return window.kind instanceof Window.EventTime<Object>;
    }

    private static final class Open {
        Object value;
        long items;

        Open(Object value) {
            this.value = value;
        }
    }

    private final class Panes extends Link {
        private final Context context;
        private final TreeMap<Long, Open> open = new TreeMap<>();
        private final @Nullable Watermark watermark;
        private long number;
        private long passedMillis = Long.MIN_VALUE;
        /** The latest time in the present message. */
        private long seenMillis = Long.MIN_VALUE;

        private long sinceTrigger;
        private long windowNanos;
        private long triggerNanos;

        Panes(Context context, Link next) {
            super(next);
            this.context = context;
            this.watermark = context.watermark;
            this.windowNanos = context.kernel.clock().nanoTime();
            this.triggerNanos = windowNanos;
        }

        @Override
        void accept(Object item) throws Exception {
            switch (window.kind) {
                case Window.All<Object> _, Window.Periodic<Object> _ -> add(number, item);
                case Window.Count<Object>(long items) -> {
                    add(number, item);
                    Open now = open.get(number);
                    if (++inWindow == items) {
                        inWindow = 0;
                        if (now != null) {
                            close(number, now, Cause.CLOSED);
                        }
                        number++;
                    }
                }
                case Window.EventTime<Object> event -> add(event, item);
            }
            if (++sinceTrigger == window.triggerItems) {
                trigger();
            }
        }

        private long inWindow;

        private void add(Window.EventTime<Object> event, Object item) {
            long millis = event.millis().applyAsLong(item);
            seenMillis = Math.max(seenMillis, millis);
            boolean taken = false;
            long last = Math.floorDiv(millis, event.slideMillis()) * event.slideMillis();
            for (long start = last; start > millis - event.sizeMillis(); start -= event.slideMillis()) {
                if (start + event.sizeMillis() + event.latenessMillis() > passedMillis) {
                    add(start, item);
                    taken = true;
                }
            }
            if (!taken) {
                event.late().accept(item);
            }
        }

        private void add(long start, Object item) {
            Open pane = open.get(start);
            if (pane == null) {
                if (open.size() >= MAX_OPEN) {
                    throw new IllegalStateException("a worker of the flow has " + MAX_OPEN
                            + " windows open, the limit; make them longer, or the lateness shorter");
                }
                pane = new Open(initial.get());
                open.put(start, pane);
            }
            pane.value = step.apply(pane.value, item);
            pane.items++;
        }

        private void close(long start, Open pane, Cause cause) throws Exception {
            open.remove(start);
            next.accept(new Pane<>(context.worker, start, pane.items, pane.value, cause));
        }

        private void trigger() throws Exception {
            sinceTrigger = 0;
            closeAll(Cause.TRIGGER);
        }

        private void closeAll(Cause cause) throws Exception {
            for (Map.Entry<Long, Open> each : List.copyOf(open.entrySet())) {
                close(each.getKey(), each.getValue(), cause);
            }
        }

        @Override
        void pause() throws Exception {
            long now = context.kernel.clock().nanoTime();
            Duration every = window.triggerPeriod;
            if (every != null && now - triggerNanos >= every.toNanos()) {
                triggerNanos = now;
                trigger();
            }
            if (window.kind instanceof Window.Periodic<Object>(Duration period)
                    && now - windowNanos >= period.toNanos()) {
                windowNanos = now;
                closeAll(Cause.CLOSED);
                number++;
            }
            if (window.kind instanceof Window.EventTime<Object> event) {
                look();
                List<Map.Entry<Long, Open>> over = new ArrayList<>();
                for (Map.Entry<Long, Open> each : open.entrySet()) {
                    if (each.getKey() + event.sizeMillis() + event.latenessMillis() <= passedMillis) {
                        over.add(Map.entry(each.getKey(), each.getValue()));
                    }
                }
                for (Map.Entry<Long, Open> each : over) {
                    close(each.getKey(), each.getValue(), Cause.CLOSED);
                }
                // What comes out later starts after this, and so does whatever time is in it.
                context.markMillis = passedMillis == Long.MIN_VALUE
                        ? Long.MIN_VALUE
                        : passedMillis - event.sizeMillis() - event.latenessMillis();
            }
            next.pause();
        }

        /** Up to which time all items have come. When all is over, the end closes what is open. */
        private void look() {
            long now = context.markMillis;
            if (watermark != null) {
                if (seenMillis != Long.MIN_VALUE && context.source != Context.NO_SOURCE) {
                    watermark.saw(context.source, context.part, seenMillis);
                }
                now = Math.min(now, watermark.millis());
            }
            seenMillis = Long.MIN_VALUE;
            if (now != Long.MAX_VALUE) {
                passedMillis = Math.max(passedMillis, now);
            }
        }

        @Override
        void end() throws Exception {
            closeAll(Cause.END);
            next.end();
        }
    }
}
