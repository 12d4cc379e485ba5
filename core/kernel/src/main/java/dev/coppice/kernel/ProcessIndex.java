package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Living processes by key, each with a value (Elixir: Registry). With unique keys the first process that takes one has it,
 * alone, until it ends or gives it up; with shared keys many processes have one, each once. Everything a process has here
 * goes when it ends, before anybody hears of the end; after a restart it registers again, best in its init.
 *
 * <p>Looking up takes no lock; registering locks one key and one process only. Values have to be immutable. Safe for use by
 * many threads.
 */
public final class ProcessIndex<K, V> {
    private static final System.Logger LOG = System.getLogger(ProcessIndex.class.getName());

    /** What one process has under one key. */
    public record Entry<K, V>(K key, ProcessRef<?> process, V value) {
        /** The process; the caller knows the type of its messages. */
        @SuppressWarnings("unchecked")
        public <M> ProcessRef<M> ref() {
            return (ProcessRef<M>) process;
        }
    }

    /** What happened to an entry. */
    public sealed interface Change<K, V> {
        Entry<K, V> entry();
    }

    /** A process got a key. */
    public record Joined<K, V>(Entry<K, V> entry) implements Change<K, V> {}

    /** It was given up, or its process ended. */
    public record Left<K, V>(Entry<K, V> entry) implements Change<K, V> {}

    private final boolean unique;
    private final ConcurrentMap<K, IndexSlot<K, V>> slots = new ConcurrentHashMap<>();
    private final ConcurrentMap<ProcessRun<?>, Owned> owners = new ConcurrentHashMap<>();
    private final List<Consumer<Change<K, V>>> listeners = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedQueue<Runnable> news = new ConcurrentLinkedQueue<>();
    private final AtomicInteger telling = new AtomicInteger();

    /** The keys of one life of a process. Guarded by its monitor. */
    private final class Owned {
        private final ProcessRun<?> run;
        private final Set<K> keys = new LinkedHashSet<>();
        private final Runnable ending = this::end;
        private boolean over;

        Owned(ProcessRun<?> run) {
            this.run = run;
        }

        private void end() {
            List<K> all;
            synchronized (this) {
                over = true;
                all = List.copyOf(keys);
                keys.clear();
            }
            owners.remove(run, this);
            all.forEach(key -> leave(key, run));
            tell();
        }
    }

    private ProcessIndex(boolean unique) {
        this.unique = unique;
    }

    /** An index in which a key belongs to one process. */
    public static <K, V> ProcessIndex<K, V> unique() {
        return new ProcessIndex<>(true);
    }

    /** An index in which many processes share a key. */
    public static <K, V> ProcessIndex<K, V> shared() {
        return new ProcessIndex<>(false);
    }

    /**
     * Gives a process a key. When it has the key already, it just gets the new value.
     *
     * @return false when keys are unique and another process that lives has it
     * @throws IllegalStateException when the process is not alive
     */
    public boolean register(K key, ProcessRef<?> process, V value) {
        ProcessRun<?> run = ProcessAddress.living(process);
        while (true) {
            Owned owned = owned(run, process, key);
            synchronized (owned) {
                if (owned.over) {
                    if (run.alive()) {
                        // It had just given up its last key, perhaps before its ending was noted.
                        run.relations().removeEnding(owned.ending);
                        continue;
                    }
                    throw ended(process, key);
                }
                if (!join(run, new Entry<>(key, process, value))) {
                    release(owned);
                    return false;
                }
                owned.keys.add(key);
            }
            tell();
            return true;
        }
    }

    private Owned owned(ProcessRun<?> run, ProcessRef<?> process, K key) {
        Owned known = owners.get(run);
        if (known != null) {
            return known;
        }
        Owned made = new Owned(run);
        Owned before = owners.putIfAbsent(run, made);
        if (before != null) {
            return before;
        }
        if (!run.relations().addEnding(made.ending)) {
            made.end(); // another thread may have used it by now
            throw ended(process, key);
        }
        return made;
    }

    private static IllegalStateException ended(ProcessRef<?> process, Object key) {
        return new IllegalStateException(process.name() + " ended before it was registered as " + key);
    }

    /** Forgets a process that has no key left. In its monitor. */
    private void release(Owned owned) {
        if (owned.keys.isEmpty()) {
            owned.over = true;
            owners.remove(owned.run, owned);
            owned.run.relations().removeEnding(owned.ending);
        }
    }

    private boolean join(ProcessRun<?> run, Entry<K, V> entry) {
        while (true) {
            IndexSlot<K, V> slot = slots.computeIfAbsent(entry.key, _ -> new IndexSlot<>());
            synchronized (slot) {
                if (slot.dead) {
                    continue;
                }
                if (unique && !slot.members.containsKey(run)) {
                    for (ProcessRun<?> holder : List.copyOf(slot.members.keySet())) {
                        if (holder.alive()) {
                            return false;
                        }
                        take(slot, holder);
                    }
                }
                boolean joined = slot.put(run, entry);
                if (joined && (slot.watched() || !listeners.isEmpty())) {
                    queue(slot, new Joined<>(entry));
                }
                return true;
            }
        }
    }

    /** Gives a key up; false when the process did not have it. */
    public boolean unregister(K key, ProcessRef<?> process) {
        return process instanceof ProcessAddress<?> address
                && address.run() instanceof ProcessRun<?> run
                && unregister(key, run);
    }

    /** Gives a key up for all who have it; gives their number. */
    public int unregister(K key) {
        IndexSlot<K, V> slot = slots.get(key);
        int number = 0;
        if (slot != null) {
            List<ProcessRun<?>> runs;
            synchronized (slot) {
                runs = List.copyOf(slot.members.keySet());
            }
            for (ProcessRun<?> run : runs) {
                number += unregister(key, run) ? 1 : 0;
            }
        }
        return number;
    }

    private boolean unregister(K key, ProcessRun<?> run) {
        Owned owned = owners.get(run);
        if (owned == null) {
            return false;
        }
        synchronized (owned) {
            if (!owned.keys.remove(key)) {
                return false;
            }
            leave(key, run);
            release(owned);
        }
        tell();
        return true;
    }

    private void leave(K key, ProcessRun<?> run) {
        IndexSlot<K, V> slot = slots.get(key);
        if (slot != null) {
            synchronized (slot) {
                take(slot, run);
                forget(key, slot);
            }
        }
    }

    private void take(IndexSlot<K, V> slot, ProcessRun<?> run) {
        Entry<K, V> entry = slot.remove(run);
        if (entry != null && (slot.watched() || !listeners.isEmpty())) {
            queue(slot, new Left<>(entry));
        }
    }

    /** In the slot's monitor. */
    private void forget(K key, IndexSlot<K, V> slot) {
        if (slot.members.isEmpty() && !slot.watched()) {
            slot.dead = true;
            slots.remove(key, slot);
        }
    }

    /**
     * Replaces the value of an entry by a function of it, atomically; gives the new one.
     *
     * @param function short; called under a lock, so it must not use this index
     */
    public Optional<V> update(K key, ProcessRef<?> process, UnaryOperator<V> function) {
        IndexSlot<K, V> slot = slots.get(key);
        ProcessRun<?> run = process instanceof ProcessAddress<?> address ? address.run() : null;
        if (slot == null || run == null) {
            return Optional.empty();
        }
        synchronized (slot) {
            Entry<K, V> old = slot.members.get(run);
            if (old == null) {
                return Optional.empty();
            }
            V value = function.apply(old.value);
            slot.put(run, new Entry<>(key, old.process, value));
            return Optional.of(value);
        }
    }

    /** Who has a key and lives, in order of registration. */
    public List<Entry<K, V>> lookup(K key) {
        IndexSlot<K, V> slot = slots.get(key);
        return slot == null ? List.of() : slot.entries();
    }

    /** The one, or the first, that has a key. */
    public Optional<Entry<K, V>> find(K key) {
        List<Entry<K, V>> found = lookup(key);
        return found.isEmpty() ? Optional.empty() : Optional.of(found.getFirst());
    }

    /** The keys of a process, in order of registration. */
    public List<K> keys(ProcessRef<?> process) {
        ProcessRun<?> run = process instanceof ProcessAddress<?> address ? address.run() : null;
        Owned owned = run == null ? null : owners.get(run);
        if (owned == null) {
            return List.of();
        }
        synchronized (owned) {
            return List.copyOf(owned.keys);
        }
    }

    /** All keys that somebody has. */
    public Set<K> keys() {
        Set<K> keys = new LinkedHashSet<>();
        slots.forEach((key, slot) -> {
            if (!slot.entries().isEmpty()) {
                keys.add(key);
            }
        });
        return keys;
    }

    /** The entries that match; what is registered meanwhile may be among them or not. */
    public List<Entry<K, V>> select(Predicate<? super Entry<K, V>> predicate) {
        List<Entry<K, V>> found = new ArrayList<>();
        for (IndexSlot<K, V> slot : slots.values()) {
            for (Entry<K, V> entry : slot.entries()) {
                if (predicate.test(entry)) {
                    found.add(entry);
                }
            }
        }
        return found;
    }

    /** How many keys somebody has or watches. */
    public int size() {
        return slots.size();
    }

    /** Calls the action for each that has a key, in the thread of the caller; gives their number. */
    public int dispatch(K key, Consumer<? super Entry<K, V>> action) {
        List<Entry<K, V>> entries = lookup(key);
        entries.forEach(action);
        return entries.size();
    }

    /** An address of whoever has the key at the time of use (Elixir: via). For one with nobody behind it all is dead. */
    public <M> ProcessRef<M> via(K key) {
        return new NamedRef<>(String.valueOf(key), () -> this.find(key).map(Entry::<M>ref));
    }

    /**
     * Tells of a key's changes: first a {@link Joined} for each that has it now, then every change, in order and exactly once
     * (OTP: pg:monitor).
     *
     * @param listener short, does not block; called in the threads that register and end
     */
    public Monitor monitor(K key, Consumer<? super Change<K, V>> listener) {
        while (true) {
            IndexSlot<K, V> slot = slots.computeIfAbsent(key, _ -> new IndexSlot<>());
            IndexSlot.Watcher<K, V> watcher = new IndexSlot.Watcher<>(listener);
            synchronized (slot) {
                if (slot.dead) {
                    continue;
                }
                for (Entry<K, V> entry : slot.members.values()) {
                    news.add(() -> watcher.tell(new Joined<>(entry)));
                }
                slot.watchers.add(watcher);
            }
            tell();
            return () -> {
                watcher.close();
                synchronized (slot) {
                    if (slot.watchers.remove(watcher) && !slot.dead) {
                        forget(key, slot);
                    }
                }
            };
        }
    }

    /** Tells of the changes of all keys from now on; see {@link #monitor(Object, Consumer)}. */
    public Monitor monitor(Consumer<? super Change<K, V>> listener) {
        IndexSlot.Watcher<K, V> watcher = new IndexSlot.Watcher<>(listener);
        Consumer<Change<K, V>> own = watcher::tell;
        listeners.add(own);
        return () -> {
            watcher.close();
            listeners.remove(own);
        };
    }

    /** Puts a change in line for those who listen. In the slot's monitor, so changes of a key keep their order. */
    private void queue(IndexSlot<K, V> slot, Change<K, V> change) {
        List<IndexSlot.Watcher<K, V>> watchers = List.copyOf(slot.watchers);
        news.add(() -> {
            watchers.forEach(watcher -> watcher.tell(change));
            listeners.forEach(listener -> listener.accept(change));
        });
    }

    /** Tells what is in line, outside of all locks; one thread at a time. */
    @SuppressWarnings("CatchingUnchecked")
    private void tell() {
        if (news.isEmpty() || telling.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            Runnable next = news.poll();
            while (next != null) {
                try {
                    next.run();
                } catch (Throwable t) {
                    LOG.log(Level.WARNING, "a monitor of a process index failed", t);
                }
                next = news.poll();
            }
            seen = telling.addAndGet(-seen);
        } while (seen != 0);
    }

    @Override
    public String toString() {
        return (unique ? "unique" : "shared") + " index of " + slots.size() + " keys";
    }

    /** Whether nothing is left of anybody; for tests. */
    boolean isClean() {
        return slots.isEmpty() && owners.isEmpty() && news.isEmpty();
    }

    /** The entry that a life has under a key; for the kernel. */
    @Nullable
    Entry<K, V> entry(K key, ProcessRun<?> run) {
        IndexSlot<K, V> slot = slots.get(key);
        if (slot == null) {
            return null;
        }
        synchronized (slot) {
            return slot.members.get(run);
        }
    }
}
