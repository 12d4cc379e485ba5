package dev.coppice.gateway.proxy;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Figures of things that have names. So many of them have figures of their own, all others share those named {@value #OTHERS}: what metrics
 * have is bounded, whatever is configured. Safe for use by many threads.
 *
 * @param <F> the figures of one
 */
final class NamedFigures<F> {
    private static final String OTHERS = "others";

    private final int most;
    private final Function<String, F> made;
    private final BiConsumer<String, F> forgotten;
    private final Map<String, F> all = new HashMap<>();

    /**
     * Begins without any.
     *
     * @param most that have figures of their own
     * @param made makes the figures of a name
     * @param forgotten takes them out of the metrics
     */
    NamedFigures(int most, Function<String, F> made, BiConsumer<String, F> forgotten) {
        this.most = most;
        this.made = made;
        this.forgotten = forgotten;
    }

    /** Those of a name, or those of all others. */
    synchronized F of(String name) {
        return all.computeIfAbsent(all.containsKey(name) || all.size() < most ? name : OTHERS, made);
    }

    /** Whether a name has figures of its own. */
    synchronized boolean has(String name) {
        return all.containsKey(name);
    }

    /** The name under which its figures are. */
    String shown(String name) {
        return has(name) ? name : OTHERS;
    }

    /** Forgets the figures of what is no longer there. */
    synchronized void keepOnly(Predicate<String> named) {
        for (String each : new HashSet<>(all.keySet())) {
            if (!each.equals(OTHERS) && !named.test(each)) {
                F gone = all.remove(each);
                if (gone != null) {
                    forgotten.accept(each, gone);
                }
            }
        }
    }
}
