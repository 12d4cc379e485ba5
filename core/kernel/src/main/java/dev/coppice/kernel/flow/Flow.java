package dev.coppice.kernel.flow;

import dev.coppice.kernel.Table;
import dev.coppice.kernel.stage.Inlet;
import dev.coppice.kernel.stage.Pipeline;
import dev.coppice.kernel.stage.Producer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collector;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A description of parallel work on many items (Elixir: Flow). Nothing runs before a {@link FlowJob}, which an ending such as
 * {@link #toList} gives, is run. Immutable; each step gives another one.
 *
 * <p>Steps that follow each other run in the same workers; {@link #partition}, and what needs it, sends items to others, in
 * chunks, over bounded queues. So nothing is read faster than it is dealt with. The order of items is not kept. Functions are
 * called by several threads at once. The first exception fails the whole flow.
 */
public final class Flow<T> {
    private final Plan plan;
    private final String name;

    private Flow(Plan plan, String name) {
        this.plan = plan;
        this.name = name;
    }

    private static <T> Flow<T> from(Source source) {
        return new Flow<>(new Plan.From(source, Runtime.getRuntime().availableProcessors()), "flow");
    }

    /** The items of a collection, or of anything that can be iterated; a list is split without copying. */
    public static <T> Flow<T> of(Iterable<? extends T> items) {
        return from(
                items instanceof List<?> list && list instanceof RandomAccess
                        ? new Source.OfList(list)
                        : new Source.OfIterable(items));
    }

    /** The lines of files in UTF-8. */
    public static Flow<String> lines(Path... files) {
        return lines(List.of(files), StandardCharsets.UTF_8);
    }

    /** The lines of files, read by all workers at once; a line may have 16 MiB. */
    public static Flow<String> lines(Collection<Path> files, Charset charset) {
        return from(new LineSource(List.copyOf(files), charset));
    }

    /** What a producer gives, such as an {@link Inlet}; a new one is made for each run. */
    public static <T> Flow<T> produced(Supplier<? extends Producer<? extends T>> producers) {
        return from(new Source.OfProducer(producers));
    }

    /**
     * The messages of a stage, for one run. They are acknowledged there once they were dealt with here, which for what
     * reduces them means: added. When the flow fails, those not dealt with fail.
     *
     * @param stage the name of the stage, in that pipeline, that hands them over
     */
    public static <T> Flow<T> messages(Pipeline.Outlet<? extends T> outlet, String stage) {
        return from(new OutletSource(outlet, stage));
    }

    /** Names it in the tree and in metrics. */
    public Flow<T> named(String flowName) {
        return new Flow<>(plan, flowName);
    }

    /** So many workers, from the last partition on (or from the source); otherwise as many as there are processors. */
    public Flow<T> stages(int workers) {
        if (workers < 1) {
            throw new IllegalArgumentException("workers " + workers + " must be at least 1");
        }
        return new Flow<>(withStages(plan, workers), name);
    }

    private static Plan withStages(Plan plan, int workers) {
        return switch (plan) {
            case Plan.From from -> new Plan.From(from.source(), workers);
            case Plan.Then then -> new Plan.Then(withStages(then.before(), workers), then.step());
            case Plan.Shuffle shuffle -> new Plan.Shuffle(shuffle.inputs(), shuffle.key(), workers);
        };
    }

    private static int stagesOf(Plan plan) {
        return switch (plan) {
            case Plan.From from -> from.stages();
            case Plan.Then then -> stagesOf(then.before());
            case Plan.Shuffle shuffle -> shuffle.stages();
        };
    }

    private <R> Flow<R> then(Plan.Step step) {
        return new Flow<>(new Plan.Then(plan, step), name);
    }

    @SuppressWarnings("unchecked")
    private static Function<Object, Object> erase(Function<?, ?> function) {
        return (Function<Object, Object>) function;
    }

    @SuppressWarnings("unchecked")
    private static BiFunction<Object, Object, Object> erase(BiFunction<?, ?, ?> function) {
        return (BiFunction<Object, Object, Object>) function;
    }

    @SuppressWarnings("unchecked")
    private static Supplier<Object> erase(Supplier<?> supplier) {
        return (Supplier<Object>) supplier;
    }

    /** Another item for each one. */
    public <R> Flow<R> map(Function<? super T, ? extends R> function) {
        return then(Steps.map(erase(function)));
    }

    /** The items that match. */
    @SuppressWarnings("unchecked")
    public Flow<T> filter(Predicate<? super T> predicate) {
        return then(Steps.filter((Predicate<Object>) predicate));
    }

    /** Several items, or none, for each one. */
    public <R> Flow<R> flatMap(Function<? super T, ? extends Iterable<? extends R>> function) {
        return this.<R>expand((item, out) -> function.apply(item).forEach(out));
    }

    /** Several items, or none, for each one, given one by one; cheaper than {@link #flatMap}. */
    @SuppressWarnings("unchecked")
    public <R> Flow<R> expand(BiConsumer<? super T, ? super Consumer<R>> function) {
        return then(Steps.expand((BiConsumer<Object, Consumer<Object>>) (BiConsumer<?, ?>) function));
    }

    /** Does something to each item, in parallel, and passes it on. */
    @SuppressWarnings("unchecked")
    public Flow<T> each(FlowAction<? super T> action) {
        return then(Steps.each((FlowAction<Object>) action));
    }

    /** Sends items with equal keys to the same worker, for the steps that follow. */
    public Flow<T> partition(Function<? super T, ?> key) {
        return shuffle(List.of(plan), erase(key));
    }

    private <R> Flow<R> shuffle(List<Plan> inputs, @Nullable Function<Object, Object> key) {
        return new Flow<>(new Plan.Shuffle(inputs, key, stagesOf(plan)), name);
    }

    /** The items of both. */
    public Flow<T> merge(Flow<? extends T> other) {
        return shuffle(List.of(plan, other.plan), null);
    }

    /** Pairs with equal keys. Both sides are kept in memory. */
    public <U, R> Flow<R> join(
            Flow<U> right,
            Function<? super T, ?> leftKey,
            Function<? super U, ?> rightKey,
            BiFunction<? super T, ? super U, ? extends R> pair) {
        Plan lefts = new Plan.Then(plan, side(true, erase(leftKey)));
        Plan rights = new Plan.Then(right.plan, side(false, erase(rightKey)));
        return this.<Steps.Side>shuffle(
                        List.of(lefts, rights), item -> item instanceof Steps.Side side ? side.key() : item)
                .then(Steps.join(erase(pair)));
    }

    private static Plan.Step side(boolean left, Function<Object, Object> key) {
        return Steps.map(item -> new Steps.Side(left, key.apply(item), item));
    }

    /** Reduces the items of each worker; gives the results of those that had any, at the end. */
    public <A> Flow<A> reduce(Supplier<? extends A> initial, BiFunction<? super A, ? super T, ? extends A> step) {
        return then(Steps.reduce(erase(initial), erase(step)));
    }

    /** Divides the items of each partition, for the reduction that follows; where there was no partition, all are one. */
    public Windowed<T> window(Window<? super T> window) {
        Plan base = plan;
        while (base instanceof Plan.Then then) {
            base = then.before();
        }
        Plan partitioned = base instanceof Plan.Shuffle ? plan : new Plan.Shuffle(List.of(plan), null, 1);
        return new Windowed<>(partitioned, name, window);
    }

    /** A flow whose items are divided into windows. */
    public static final class Windowed<T> {
        private final Plan plan;
        private final String name;
        private final Window<? super T> window;

        private Windowed(Plan plan, String name, Window<? super T> window) {
            this.plan = plan;
            this.name = name;
            this.window = window;
        }

        /** Reduces the items of each window of each partition; the result of a window may not change afterwards. */
        @SuppressWarnings("unchecked")
        public <A> Flow<Pane<A>> reduce(
                Supplier<? extends A> initial, BiFunction<? super A, ? super T, ? extends A> step) {
            Plan.Step windowing = new Windowing((Window<Object>) window, erase(initial), erase(step));
            return new Flow<>(new Plan.Then(plan, windowing), name);
        }

        /** The items of each window. */
        public Flow<Pane<List<T>>> toLists() {
            return reduce(ArrayList::new, (list, item) -> {
                list.add(item);
                return list;
            });
        }
    }

    /** Reduces items with equal keys: within each worker first, then the sums of all workers. */
    @SuppressWarnings("unchecked")
    public <K, A> Flow<Map.Entry<K, A>> reduceByKey(
            Function<? super T, ? extends K> key,
            Supplier<? extends A> initial,
            BiFunction<? super A, ? super T, ? extends A> step,
            BinaryOperator<A> merge) {
        return this.<Map.Entry<K, A>>then(Steps.combine(erase(key), erase(initial), erase(step)))
                .partition(Map.Entry::getKey)
                .then(Steps.mergeByKey((BinaryOperator<Object>) merge));
    }

    /** How many items have a key. */
    public <K> Flow<Map.Entry<K, Long>> countBy(Function<? super T, ? extends K> key) {
        return this.<K, long[]>reduceByKey(
                        key,
                        () -> new long[1],
                        (count, _) -> {
                            count[0]++;
                            return count;
                        },
                        (one, other) -> {
                            one[0] += other[0];
                            return one;
                        })
                .map(entry -> Map.entry(entry.getKey(), entry.getValue()[0]));
    }

    /** The items with equal keys. */
    public <K> Flow<Map.Entry<K, List<T>>> groupBy(Function<? super T, ? extends K> key) {
        return this.<K, List<T>>reduceByKey(
                key,
                ArrayList::new,
                (list, item) -> {
                    list.add(item);
                    return list;
                },
                (one, other) -> {
                    one.addAll(other);
                    return one;
                });
    }

    /** Ends in a result that each worker gathers for itself. */
    @SuppressWarnings("unchecked")
    public <A, R> FlowJob<R> collect(Collector<? super T, A, R> collector) {
        return new FlowJob<>(plan, name, (Collector<Object, Object, R>) (Collector<?, ?, R>) collector);
    }

    /** Ends in a list, in no certain order, in memory. */
    public FlowJob<List<T>> toList() {
        return collect(Collectors.toCollection(ArrayList<T>::new)).then(list -> list);
    }

    /** Ends in a map, in memory; two items of one key fail it. */
    public <K, V> FlowJob<Map<K, V>> toMap(
            Function<? super T, ? extends K> key, Function<? super T, ? extends V> value) {
        return collect(Collectors.toMap(key, value));
    }

    /** Ends in the number of items. */
    public FlowJob<Long> count() {
        return collect(Collectors.counting());
    }

    /** Ends by doing something to each item, one at a time. */
    public FlowJob<Long> forEach(FlowAction<? super T> action) {
        return this.<T>shuffle(List.of(plan), null).stages(1).each(action).count();
    }

    /** Ends by putting each item into a table, in parallel. */
    public <K, V> FlowJob<Long> into(
            Table<K, V> table, Function<? super T, ? extends K> key, Function<? super T, ? extends V> value) {
        return each(item -> table.put(key.apply(item), value.apply(item))).count();
    }

    /** Ends by putting each item into another pipeline, as fast as that takes them. */
    public FlowJob<Long> into(Inlet<? super T> inlet) {
        return each(inlet::put).count();
    }
}
