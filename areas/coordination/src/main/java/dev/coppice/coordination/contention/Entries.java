package dev.coppice.coordination.contention;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.coordination.FairQueue;
import java.time.Instant;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The contenders that there are, by key, with the times at which they came and began to hold. Not thread-safe. A change costs
 * as much as there are contenders for the names that it touches.
 */
final class Entries {
    /** Contenders kept; more are left out, and counted. */
    static final int MOST = 100_000;

    private static final ByteString WRITE = ByteString.copyFromUtf8("/write");
    private static final ByteString READ = ByteString.copyFromUtf8("/read");

    private static final class Entry {
        private final Contender contender;
        private final Instant came;
        private final boolean exact;
        private @Nullable Instant held;
        private boolean heldExact;

        Entry(Contender contender, Instant came, boolean exact) {
            this.contender = contender;
            this.came = came;
            this.exact = exact;
        }
    }

    /** What is remembered of a contender over a restart. */
    record Times(
            long token,
            Instant came,
            boolean exact,
            @Nullable Instant held,
            boolean heldExact) {}

    private final TreeMap<ByteString, Entry> byKey = new TreeMap<>(ByteString.unsignedLexicographicalComparator());
    private final Map<ByteString, Set<ByteString>> byRaw = new HashMap<>();
    private long leftOut;

    /** Forgets all; gives what is to be remembered of them. */
    Map<ByteString, Times> clear() {
        Map<ByteString, Times> times = times();
        byKey.clear();
        byRaw.clear();
        leftOut = 0;
        return times;
    }

    Map<ByteString, Times> times() {
        Map<ByteString, Times> times = new HashMap<>();
        byKey.forEach((key, entry) -> times.put(
                key, new Times(entry.contender.token(), entry.came, entry.exact, entry.held, entry.heldExact)));
        return times;
    }

    /** Takes in what was there before this node looked; what is remembered of a contender is true of it. */
    void load(List<KeyValue> pairs, Map<ByteString, Times> remembered, Instant now) {
        Set<ByteString> touched = new HashSet<>();
        for (KeyValue pair : pairs) {
            Contender.of(pair).ifPresent(contender -> {
                Times times = remembered.get(contender.key());
                Entry entry = times != null && times.token() == contender.token()
                        ? new Entry(contender, times.came(), times.exact())
                        : new Entry(contender, now, false);
                if (times != null && times.token() == contender.token()) {
                    entry.held = times.held();
                    entry.heldExact = times.heldExact();
                }
                add(entry);
                touched.addAll(touchedBy(contender.key()));
            });
        }
        settle(touched, now, false);
    }

    /** Takes in events of whole revisions; the waits that ended by a grant, in order. */
    List<Wait> apply(List<Event> events, Instant now) {
        Set<ByteString> touched = new HashSet<>();
        for (Event event : events) {
            ByteString key = event.getKv().getKey();
            Entry before = byKey.get(key);
            Optional<Contender> after =
                    event.getType() == Event.EventType.PUT ? Contender.of(event.getKv()) : Optional.empty();
            if (before == null && after.isEmpty()) {
                continue;
            }
            remove(key);
            after.ifPresent(contender -> add(entry(contender, before, now)));
            touched.addAll(touchedBy(key));
        }
        return settle(touched, now, true);
    }

    /** A contender that was put again, with another value, stands as before. */
    private static Entry entry(Contender contender, @Nullable Entry before, Instant now) {
        if (before == null || before.contender.token() != contender.token()) {
            return new Entry(contender, now, true);
        }
        Entry entry = new Entry(contender, before.came, before.exact);
        entry.held = before.held;
        entry.heldExact = before.heldExact;
        return entry;
    }

    /** A wait that ended by a grant. */
    record Wait(Role role, Instant from, Instant to) {}

    private void add(Entry entry) {
        if (byKey.size() >= MOST) {
            leftOut++;
            return;
        }
        byKey.put(entry.contender.key(), entry);
        byRaw.computeIfAbsent(entry.contender.raw(), raw -> new HashSet<>()).add(entry.contender.key());
    }

    private void remove(ByteString key) {
        Entry entry = byKey.remove(key);
        if (entry != null) {
            Set<ByteString> keys = byRaw.get(entry.contender.raw());
            if (keys != null && keys.remove(key) && keys.isEmpty()) {
                byRaw.remove(entry.contender.raw());
            }
        }
    }

    /** The queues whose turns a key may change: those that its path runs through. */
    private Set<ByteString> touchedBy(ByteString key) {
        Set<ByteString> touched = new HashSet<>();
        for (int i = 1; i < key.size(); i++) {
            if (key.byteAt(i) == '/') {
                ByteString raw = key.substring(0, i);
                touched.add(raw);
                if (raw.endsWith(WRITE)) {
                    touched.add(raw.substring(0, raw.size() - WRITE.size()).concat(READ));
                }
                touched.add(raw.concat(WRITE));
            }
        }
        touched.retainAll(byRaw.keySet());
        return touched;
    }

    private List<Entry> below(ByteString prefix) {
        ByteString end = FairQueue.prefixEnd(prefix);
        return byKey.subMap(prefix, end).values().stream()
                .sorted(Comparator.comparingLong((Entry entry) -> entry.contender.token())
                        .thenComparing(entry -> entry.contender.key(), ByteString.unsignedLexicographicalComparator()))
                .toList();
    }

    /** Notes who holds from now on. */
    private List<Wait> settle(Set<ByteString> touched, Instant now, boolean exact) {
        List<Wait> ended = new ArrayList<>();
        for (ByteString raw : touched) {
            Map<FairQueue.Turn, Long> lasts = new HashMap<>();
            for (ByteString key : byRaw.getOrDefault(raw, Set.of())) {
                Entry entry = byKey.get(key);
                if (entry == null) {
                    continue;
                }
                boolean holds = holds(entry, lasts);
                if (!holds) {
                    entry.held = null;
                } else if (entry.held == null) {
                    entry.held = now;
                    entry.heldExact = exact;
                    if (exact && entry.exact) {
                        ended.add(new Wait(entry.contender.role(), entry.came, now));
                    }
                }
            }
        }
        return ended;
    }

    private boolean holds(Entry entry, Map<FairQueue.Turn, Long> lasts) {
        if (entry.contender.role() == Role.BARRIER) {
            return byRaw.getOrDefault(entry.contender.raw(), Set.of()).size() >= entry.contender.permits();
        }
        return entry.contender.token() <= lasts.computeIfAbsent(entry.contender.turn(), this::last);
    }

    /** The token of the last one that has its turn: whoever came no later than the one with the last permit. */
    private long last(FairQueue.Turn turn) {
        PriorityQueue<Long> first = new PriorityQueue<>(Comparator.reverseOrder());
        for (Entry each :
                byKey.subMap(turn.prefix(), FairQueue.prefixEnd(turn.prefix())).values()) {
            if (first.size() < turn.permits()) {
                first.add(each.contender.token());
            } else if (each.contender.token() < first.element()) {
                first.remove();
                first.add(each.contender.token());
            }
        }
        return first.size() < turn.permits() ? Long.MAX_VALUE : first.element();
    }

    /** All of it, for others. */
    Contention picture(long version, boolean ready) {
        Map<ByteString, List<Entry>> byName = new TreeMap<>(ByteString.unsignedLexicographicalComparator());
        byKey.values()
                .forEach(entry -> byName.computeIfAbsent(entry.contender.name(), name -> new ArrayList<>())
                        .add(entry));
        Map<String, Queue> queues = new LinkedHashMap<>();
        byName.forEach((name, entries) -> {
            entries.sort(Comparator.comparingLong(entry -> entry.contender.token()));
            Map<FairQueue.Turn, List<Entry>> turns = new HashMap<>();
            List<Standing> standings =
                    entries.stream().map(entry -> standing(entry, turns)).toList();
            Contender first = entries.getFirst().contender;
            queues.put(first.shownName(), new Queue(first.shownName(), Queue.Sort.of(first.role()), standings));
        });
        return new Contention(version, ready, queues, leftOut);
    }

    private Standing standing(Entry entry, Map<FairQueue.Turn, List<Entry>> turns) {
        Instant held = entry.held;
        if (held != null) {
            return new Standing(entry.contender, true, held, entry.heldExact, List.of());
        }
        if (entry.contender.role() == Role.BARRIER) {
            return new Standing(entry.contender, false, entry.came, entry.exact, List.of());
        }
        List<Entry> ordered = turns.computeIfAbsent(entry.contender.turn(), turn -> below(turn.prefix()));
        return new Standing(entry.contender, false, entry.came, entry.exact, new Before(ordered, entry));
    }

    /** The keys before an entry, as a part of the whole order, so that long queues are not copied for each that waits. */
    private static final class Before extends AbstractList<ByteString> {
        private final List<Entry> ordered;
        private final int size;

        Before(List<Entry> ordered, Entry entry) {
            this.ordered = ordered;
            int at = 0;
            int high = ordered.size();
            while (at < high) {
                int middle = (at + high) >>> 1;
                if (ordered.get(middle).contender.token() < entry.contender.token()) {
                    at = middle + 1;
                } else {
                    high = middle;
                }
            }
            this.size = at;
        }

        @Override
        public ByteString get(int index) {
            return ordered.get(Objects.checkIndex(index, size)).contender.key();
        }

        @Override
        public int size() {
            return size;
        }
    }

    int size() {
        return byKey.size();
    }
}
