package dev.coppice.kernel.flow;

import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The steps that a worker can do. Items are untyped inside of a flow; its builder keeps the types. */
final class Steps {
    /** Keys, or items of a join, that one worker keeps. */
    static final int MAX_KEPT = 10_000_000;

    private static final int MAX_COMBINED = 131_072;

    private Steps() {}

    /** A step that gives items of any time at any time. */
    private interface Keeping extends Plan.Step {
        @Override
        default boolean keepsItems() {
            return true;
        }
    }

    /** Behind a step that may give items of any time until its end: nobody may count on having seen all. */
    static Link holdingBack(Context context, Link next) {
        return new Link(next) {
            @Override
            void accept(Object item) throws Exception {
                next.accept(item);
            }

            @Override
            void pause() throws Exception {
                context.markMillis = Long.MIN_VALUE;
                next.pause();
            }
        };
    }

    static Plan.Step map(Function<Object, Object> function) {
        return (_, next) -> new Link(next) {
            @Override
            void accept(Object item) throws Exception {
                next.accept(function.apply(item));
            }
        };
    }

    static Plan.Step filter(Predicate<Object> predicate) {
        return (_, next) -> new Link(next) {
            @Override
            void accept(Object item) throws Exception {
                if (predicate.test(item)) {
                    next.accept(item);
                }
            }
        };
    }

    static Plan.Step each(FlowAction<Object> action) {
        return (_, next) -> new Link(next) {
            @Override
            void accept(Object item) throws Exception {
                action.accept(item);
                next.accept(item);
            }
        };
    }

    static Plan.Step expand(BiConsumer<Object, Consumer<Object>> function) {
        return (_, next) -> new Link(next) {
            private final Consumer<Object> out = item -> {
                try {
                    next.accept(item);
                } catch (Exception e) {
                    throw new Tunnel(e);
                }
            };

            @Override
            void accept(Object item) throws Exception {
                try {
                    function.accept(item, out);
                } catch (Tunnel e) {
                    throw e.cause;
                }
            }
        };
    }

    /** An exception of a later step on its way through a function of the user. */
    private static final class Tunnel extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final transient Exception cause;

        Tunnel(Exception cause) {
            super(cause);
            this.cause = cause;
        }
    }

    static Plan.Step reduce(Supplier<Object> initial, BiFunction<Object, Object, Object> step) {
        return (Keeping) (_, next) -> new Link(next) {
            private @Nullable Object sum;

            @Override
            void accept(Object item) {
                Object before = sum;
                sum = step.apply(before == null ? initial.get() : before, item);
            }

            @Override
            void end() throws Exception {
                if (sum != null) {
                    next.accept(sum);
                }
                next.end();
            }
        };
    }

    /** Sums up by key within a worker, so that fewer items go to others; gives entries. */
    static Plan.Step combine(
            Function<Object, Object> key, Supplier<Object> initial, BiFunction<Object, Object, Object> step) {
        return (Keeping) (_, next) -> new Link(next) {
            private final Map<Object, Sum> sums = new HashMap<>();

            @Override
            void accept(Object item) throws Exception {
                Object own = key.apply(item);
                Sum sum = sums.get(own);
                if (sum == null) {
                    if (sums.size() >= MAX_COMBINED) {
                        flush();
                    }
                    sum = new Sum(initial.get());
                    sums.put(own, sum);
                }
                sum.value = step.apply(sum.value, item);
            }

            private void flush() throws Exception {
                for (Map.Entry<Object, Sum> each : sums.entrySet()) {
                    next.accept(new SimpleImmutableEntry<>(each.getKey(), each.getValue().value));
                }
                sums.clear();
            }

            @Override
            void end() throws Exception {
                flush();
                next.end();
            }
        };
    }

    /** Changes in place, which saves a look-up for each item. */
    private static final class Sum {
        Object value;

        Sum(Object value) {
            this.value = value;
        }
    }

    /** Merges the entries of {@link #combine}; gives them at the end. */
    static Plan.Step mergeByKey(BinaryOperator<Object> merge) {
        return (Keeping) (_, next) -> new Link(next) {
            private final Map<Object, Object> sums = new HashMap<>();

            @Override
            void accept(Object item) {
                if (item instanceof Map.Entry<?, ?> entry) {
                    sums.merge(entry.getKey(), entry.getValue(), merge);
                    bound(sums.size(), "keys");
                }
            }

            @Override
            void end() throws Exception {
                for (Map.Entry<Object, Object> each : sums.entrySet()) {
                    next.accept(new SimpleImmutableEntry<>(each.getKey(), each.getValue()));
                }
                next.end();
            }
        };
    }

    private static void bound(int size, String what) {
        if (size > MAX_KEPT) {
            throw new IllegalStateException("a worker of the flow keeps more than " + MAX_KEPT + " " + what
                    + ", the limit; use more stages, or windows");
        }
    }

    /** An item of one side of a join, with its key. */
    record Side(boolean left, Object key, Object item) {}

    static Plan.Step join(BiFunction<Object, Object, Object> pair) {
        return (Keeping) (_, next) -> new Link(next) {
            private final Map<Object, List<Object>> lefts = new HashMap<>();
            private final Map<Object, List<Object>> rights = new HashMap<>();
            private int kept;

            @Override
            void accept(Object item) throws Exception {
                if (!(item instanceof Side side)) {
                    return;
                }
                bound(++kept, "items");
                (side.left() ? lefts : rights)
                        .computeIfAbsent(side.key(), _ -> new ArrayList<>(2))
                        .add(side.item());
                for (Object other : (side.left() ? rights : lefts).getOrDefault(side.key(), List.of())) {
                    next.accept(side.left() ? pair.apply(side.item(), other) : pair.apply(other, side.item()));
                }
            }
        };
    }

    /** The end of a stage: items go in chunks to the workers of the next one. */
    static final class Sharing extends Link.Last {
        private final Context context;
        private final @Nullable Function<Object, ?> key;
        private final Object[][] chunks;
        private final int[] sizes;
        private final boolean precise;
        private final @Nullable Integer channel;
        private final boolean kept;
        private long toldMillis = Long.MIN_VALUE;
        private int turn;

        /**
         * @param precise whether items of different parts of a source may not be in one chunk
         * @param channel by which it tells the next workers how far it is; null when these follow the sources themselves
         * @param kept whether a step before it keeps items
         */
        Sharing(
                Context context,
                @Nullable Function<Object, ?> key,
                int workers,
                boolean precise,
                @Nullable Integer channel,
                boolean kept) {
            this.context = context;
            this.key = key;
            this.chunks = new Object[workers][Source.CHUNK];
            this.sizes = new int[workers];
            this.precise = precise;
            this.channel = channel;
            this.kept = kept;
            this.turn = context.worker;
        }

        @Override
        void accept(Object item) {
            int to = turn % chunks.length;
            if (key != null) {
                Object own = key.apply(item);
                int hash = own == null ? 0 : own.hashCode();
                to = Math.floorMod(hash ^ (hash >>> 16), chunks.length);
            }
            Object[] chunk = chunks[to];
            chunk[sizes[to]++] = item;
            if (sizes[to] == chunk.length) {
                give(to);
            }
        }

        private void give(int to) {
            Object[] chunk = chunks[to];
            if (sizes[to] > 0) {
                int source = kept ? Context.NO_SOURCE : context.source;
                context.out.accept(new Context.Chunk(to, source, context.part, chunk, sizes[to]));
                chunks[to] = new Object[Source.CHUNK];
                sizes[to] = 0;
                turn = (to + 1) % chunks.length;
            }
        }

        @Override
        void pause() {
            if (precise) {
                giveAll();
            }
            // The end tells that nothing comes any more.
            if (context.markMillis != Long.MAX_VALUE) {
                tell(context.markMillis);
            }
        }

        @Override
        void end() {
            giveAll();
            tell(Long.MAX_VALUE);
        }

        private void giveAll() {
            for (int to = 0; to < chunks.length; to++) {
                give(to);
            }
        }

        /** Behind all that it applies to. */
        private void tell(long millis) {
            if (channel != null && millis > toldMillis) {
                toldMillis = millis;
                for (int to = 0; to < chunks.length; to++) {
                    context.out.accept(new Context.Mark(to, channel, context.worker, millis));
                }
            }
        }
    }
}
