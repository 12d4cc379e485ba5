package dev.coppice.kernel.flow;

import dev.coppice.kernel.stage.Producer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where the items of a flow come from, opened for each run. */
interface Source {
    /** Items that go to a worker together, at most. */
    int CHUNK = 1_000;

    Reading open(int stages) throws Exception;

    /** Whether a part is to be told when all of its items are dealt with. */
    default boolean isAcknowledged() {
        return false;
    }

    /** Whether it may be slow or endless, so that no item waits for later ones. */
    default boolean isLive() {
        return true;
    }

    /** One run's reading; used by one thread, its parts by others. */
    interface Reading {
        /** The next items, after waiting for them; null at the end. */
        @Nullable
        Part next() throws Exception;

        /** The run is over. */
        default void close(@Nullable Throwable failure) throws Exception {}
    }

    /** Some items. */
    interface Part {
        void forEach(Taker taker) throws Exception;

        default void settled(@Nullable Throwable failure) {}
    }

    /** Takes an item. */
    interface Taker {
        void take(Object item) throws Exception;
    }

    /** Items in memory. */
    record Items(List<?> items) implements Part {
        @Override
        public void forEach(Taker taker) throws Exception {
            for (Object item : items) {
                taker.take(item);
            }
        }
    }

    /** A list that is split without copying. */
    record OfList(List<?> list) implements Source {
        @Override
        public boolean isLive() {
            return false;
        }

        @Override
        public Reading open(int stages) {
            int size = Math.clamp(list.size() / (4L * stages), 1, CHUNK);
            int[] at = new int[1];
            return () -> {
                if (at[0] >= list.size()) {
                    return null;
                }
                int from = at[0];
                at[0] = Math.min(list.size(), from + size);
                return new Items(list.subList(from, at[0]));
            };
        }
    }

    /** Anything that can be iterated, by one thread. */
    record OfIterable(Iterable<?> items) implements Source {
        @Override
        public Reading open(int stages) {
            Iterator<?> iterator = items.iterator();
            return () -> {
                List<Object> chunk = new ArrayList<>();
                while (chunk.size() < CHUNK && iterator.hasNext()) {
                    chunk.add(iterator.next());
                }
                return chunk.isEmpty() ? null : new Items(chunk);
            };
        }
    }

    /** A producer, as a pipeline has it. */
    record OfProducer(Supplier<? extends Producer<?>> producers) implements Source {
        @Override
        public Reading open(int stages) {
            Producer<?> producer = producers.get();
            return new Reading() {
                @Override
                public @Nullable Part next() throws Exception {
                    List<?> items = producer.produce(CHUNK);
                    return items.isEmpty() ? null : new Items(items);
                }

                @Override
                public void close(@Nullable Throwable failure) throws Exception {
                    producer.close();
                }
            };
        }
    }
}
