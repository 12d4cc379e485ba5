package dev.coppice.gateway.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The answers that are kept, of all regions together, in a bounded number of bytes. What is asked for often stays (W-TinyLFU; Einziger, Friedman and
 * Manes 2017). Safe for use by many threads.
 */
public final class AnswerStore {
    /** Answers to requests that differ in what {@code Vary} names, for one key; the oldest goes. */
    static final int MOST_VARIANTS = 32;

    /** What a key takes beside its characters, about. */
    private static final int KEY_BYTES = 200;

    /**
     * What there is for a key. Immutable.
     *
     * @param answers the newest first
     * @param uncollapsedUntilNanos until when requests do not wait for each other, as their answers are not kept; 0: they do
     */
    private record Entry(List<StoredAnswer> answers, long uncollapsedUntilNanos) {
        private static final Entry NONE = new Entry(List.of(), 0);
    }

    /**
     * What was found.
     *
     * @param answer null: none is for this request
     * @param all that are kept, also for other requests; the newest first
     * @param uncollapsed whether answers were not kept lately
     */
    public record Found(@Nullable StoredAnswer answer, List<StoredAnswer> all, boolean uncollapsed) {
        private static final Found NOTHING = new Found(null, List.of(), false);
    }

    private final long maxBytes;
    private final Cache<CacheKey, Entry> entries;
    private final LongAdder evicted = new LongAdder();
    private final Map<CacheRegion.Place, CacheRegion> regions = new HashMap<>();
    private volatile Map<String, List<CacheRegion>> byRoute = Map.of();

    /** @param maxBytes of all answers with what they are found by */
    public AnswerStore(long maxBytes) {
        this.maxBytes = maxBytes;
        this.entries = Caffeine.newBuilder()
                .maximumWeight(maxBytes)
                .<CacheKey, Entry>weigher(AnswerStore::bytes)
                // No threads of its own: upkeep is a few steps of whoever writes.
                .executor(Runnable::run)
                .evictionListener((@Nullable CacheKey _, @Nullable Entry _, RemovalCause _) -> evicted.increment())
                .build();
    }

    private static int bytes(CacheKey key, Entry entry) {
        long bytes = KEY_BYTES + 2L * key.text().length();
        for (StoredAnswer each : entry.answers) {
            bytes += each.bytes();
        }
        return (int) Math.min(Integer.MAX_VALUE, bytes);
    }

    // ---- regions

    /** The region of a place. */
    public synchronized CacheRegion region(CacheRegion.Place place) {
        return regions.computeIfAbsent(place, CacheRegion::new);
    }

    /** Forgets what is kept in all others. */
    public synchronized void keepOnly(Collection<CacheRegion> wanted) {
        Set<CacheRegion> kept = new HashSet<>(wanted);
        boolean fewer = regions.values().removeIf(each -> {
            boolean gone = !kept.contains(each);
            if (gone) {
                each.leave();
            }
            return gone;
        });
        Map<String, List<CacheRegion>> next = new HashMap<>();
        regions.values()
                .forEach(each -> next.computeIfAbsent(each.route(), _ -> new ArrayList<>())
                        .add(each));
        byRoute = next;
        if (fewer) {
            entries.asMap().keySet().removeIf(each -> each.region().gone());
            entries.cleanUp();
        }
    }

    // ---- answers

    /** Looks for an answer. */
    public Found find(CacheKey key, FieldValues request, long nowNanos) {
        Entry entry = entries.getIfPresent(key);
        if (entry == null) {
            return Found.NOTHING;
        }
        StoredAnswer found = null;
        Map<String, String> read = new HashMap<>();
        for (int i = 0; found == null && i < entry.answers.size(); i++) {
            StoredAnswer each = entry.answers.get(i);
            found = each.vary().matches(request, read) ? each : null;
        }
        boolean uncollapsed = entry.uncollapsedUntilNanos != 0 && nowNanos - entry.uncollapsedUntilNanos < 0;
        return new Found(found, entry.answers, uncollapsed);
    }

    /** Keeps an answer, instead of those that were for the same requests. */
    public void put(CacheKey key, StoredAnswer answer) {
        entries.asMap().compute(key, (_, before) -> {
            List<StoredAnswer> answers = new ArrayList<>();
            answers.add(answer);
            if (before != null) {
                before.answers.stream()
                        .filter(each -> !each.vary().equals(answer.vary()))
                        .limit(MOST_VARIANTS - 1L)
                        .forEach(answers::add);
            }
            return new Entry(List.copyOf(answers), 0);
        });
        if (key.region().gone()) {
            // It went meanwhile, and nobody would look for it again.
            entries.invalidate(key);
        }
    }

    /** Keeps one answer no more. */
    public void remove(CacheKey key, StoredAnswer answer) {
        entries.asMap().computeIfPresent(key, (_, before) -> {
            List<StoredAnswer> left =
                    before.answers.stream().filter(each -> each != answer).toList();
            return left.isEmpty() ? null : new Entry(left, before.uncollapsedUntilNanos);
        });
    }

    /** Requests for a key do not wait for each other for a time. */
    public void uncollapse(CacheKey key, long untilNanos) {
        entries.asMap()
                .compute(key, (_, before) -> new Entry((before == null ? Entry.NONE : before).answers, untilNanos));
    }

    /** Whether a route, by kind, namespace and name, has a region. */
    public boolean has(String route) {
        return byRoute.containsKey(route);
    }

    /** The keys that a change of something makes useless: those of all regions of its route. */
    public List<CacheKey> keys(String route, String origin, String target, FieldValues request) {
        return byRoute.getOrDefault(route, List.of()).stream()
                .map(each -> each.changed(origin, target, request))
                .toList();
    }

    /** Keeps nothing for a key any more; says whether there was something. */
    public boolean invalidate(CacheKey key) {
        return entries.asMap().remove(key) != null;
    }

    // ---- figures

    /** Of all that is kept. */
    public long bytes() {
        return entries.policy().eviction().orElseThrow().weightedSize().orElse(0);
    }

    /** That there may be. */
    public long maxBytes() {
        return maxBytes;
    }

    /** Keys for which something is kept, about. */
    public long size() {
        return entries.estimatedSize();
    }

    /** Keys that had to go for others. */
    public long evicted() {
        return evicted.sum();
    }
}
