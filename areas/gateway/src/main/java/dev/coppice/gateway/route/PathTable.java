package dev.coppice.gateway.route;

import com.google.re2j.Pattern;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The candidates of a host name by path. An exact path goes before regular expressions (the longest first), these before
 * prefixes (the longest first). Built once, then read by any thread.
 */
final class PathTable<A> {
    /** 31 times this is 1 modulo 2 to the 32nd: takes the last character out of a string's hash code. */
    private static final int INVERSE_OF_31 = 0xBDEF7BDF;

    private final Map<String, List<Candidate<A>>> exact = new HashMap<>();
    private final Map<String, List<Candidate<A>>> prefixes = new HashMap<>();
    private final List<Regex<A>> regexes = new ArrayList<>();

    private Candidate<A>[][] exactSlots = slots(0);
    private Candidate<A>[][] prefixSlots = slots(0);
    private int longestPrefix;

    private record Regex<A>(Pattern pattern, Candidate<A> candidate) {}

    void add(Candidate<A> candidate) {
        PathMatch path = candidate.path();
        switch (path.type()) {
            case EXACT ->
                exact.computeIfAbsent(path.value(), _ -> new ArrayList<>()).add(candidate);
            case PREFIX ->
                prefixes.computeIfAbsent(Candidate.bare(path.value()), _ -> new ArrayList<>())
                        .add(candidate);
            case REGEX -> regexes.add(new Regex<>(Pattern.compile(path.value()), candidate));
        }
    }

    /** Ends building. */
    void seal() {
        exactSlots = table(exact);
        prefixSlots = table(prefixes);
        longestPrefix =
                prefixes.keySet().stream().mapToInt(String::length).max().orElse(-1);
        regexes.sort(Comparator.<Regex<A>>comparingInt(
                        each -> -each.candidate.path().value().length())
                .thenComparing(each -> each.candidate, Candidate.ORDER));
        exact.clear();
        prefixes.clear();
    }

    @SuppressWarnings("unchecked") // An array of a generic type is made this way only.
    private static <A> Candidate<A>[][] slots(int size) {
        return new Candidate[size][];
    }

    /** An open hash table, at most half full, of lists of candidates that share a path. */
    @SuppressWarnings("unchecked")
    private static <A> Candidate<A>[][] table(Map<String, List<Candidate<A>>> of) {
        Candidate<A>[][] slots = slots(of.isEmpty() ? 0 : Integer.highestOneBit(Math.max(1, of.size() * 2 - 1)) << 1);
        of.forEach((path, candidates) -> {
            candidates.sort(Candidate.ORDER);
            int slot = spread(path.hashCode()) & (slots.length - 1);
            while (slots[slot] != null) {
                slot = (slot + 1) & (slots.length - 1);
            }
            slots[slot] = candidates.toArray(Candidate[]::new);
        });
        return slots;
    }

    private static int spread(int hash) {
        return hash ^ (hash >>> 15);
    }

    @Nullable
    Candidate<A> find(RequestHead request) {
        String path = request.path();
        int hash = path.hashCode();
        Candidate<A> found = probe(exactSlots, path, path.length(), hash, request, false);
        if (found != null) {
            return found;
        }
        for (Regex<A> each : regexes) {
            if (each.pattern.matches(path) && each.candidate.fits(request)) {
                return each.candidate;
            }
        }
        return prefixSlots.length == 0 ? null : longestPrefix(path, hash, request);
    }

    private @Nullable Candidate<A> longestPrefix(String path, int pathHash, RequestHead request) {
        int hash = pathHash;
        int end = path.length();
        // A prefix ends where the path does, or before a slash.
        for (int length = end; length >= 0; length--) {
            if (length <= longestPrefix && (length == end || path.charAt(length) == '/')) {
                Candidate<A> found = probe(prefixSlots, path, length, hash, request, true);
                if (found != null) {
                    return found;
                }
            }
            if (length > 0) {
                hash = (hash - path.charAt(length - 1)) * INVERSE_OF_31;
            }
        }
        return null;
    }

    private static <A> @Nullable Candidate<A> probe(
            Candidate<A>[][] slots, String path, int length, int hash, RequestHead request, boolean prefix) {
        if (slots.length == 0) {
            return null;
        }
        int mask = slots.length - 1;
        for (int slot = spread(hash) & mask; slots[slot] != null; slot = (slot + 1) & mask) {
            Candidate<A> first = slots[slot][0];
            int own = prefix ? first.prefixLength() : first.path().value().length();
            if (own == length
                    && path.startsWith(prefix ? key(first, own) : first.path().value())) {
                for (Candidate<A> each : slots[slot]) {
                    if (each.fits(request)) {
                        return each;
                    }
                }
                return null;
            }
        }
        return null;
    }

    /** The prefix that a candidate is filed under; its own string where that has no slash at its end. */
    private static String key(Candidate<?> candidate, int length) {
        String value = candidate.path().value();
        return value.length() == length ? value : value.substring(0, length);
    }
}
