package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The subsets of the endpoints of an upstream, each with a plan of its own, as if there were no others. Immutable. */
public final class Subsets {
    /** Each may have a table of its own. */
    public static final int MOST = 64;
    /** For tables of subsets, from large to what is usual; Maglev needs prime numbers. */
    private static final int[] TABLE_SIZES = {524_287, 262_139, 131_071, 65_537};

    /**
     * Some of the endpoints.
     *
     * @param name of the subset; empty for what is there for requests that name none, unless that is a subset, too
     */
    public record Named(String name, Plan plan) {}

    private final BalanceConfig.Subset config;
    private final Map<String, Named> plans;
    private final Named otherwise;
    private final int left;

    private Subsets(BalanceConfig.Subset config, Map<String, Named> plans, Named otherwise, int left) {
        this.config = config;
        this.plans = plans;
        this.otherwise = otherwise;
        this.left = left;
    }

    /**
     * Sorts endpoints.
     *
     * @param of which subset each belongs to; empty for none
     * @param absent subsets that are there, of whose endpoints none is
     * @param all the plan for all endpoints
     * @param plan makes one for some of them, by their numbers
     */
    public static Subsets of(
            BalanceConfig.Subset config,
            List<String> of,
            Collection<String> absent,
            Plan all,
            Function<List<Integer>, Plan> plan) {
        Map<String, List<Integer>> byName = new TreeMap<>();
        for (int i = 0; i < of.size(); i++) {
            if (!of.get(i).isEmpty()) {
                byName.computeIfAbsent(of.get(i), _ -> new ArrayList<>()).add(i);
            }
        }
        absent.forEach(each -> byName.computeIfAbsent(each, _ -> List.of()));
        Map<String, Named> plans = new HashMap<>();
        byName.forEach((name, among) -> {
            // Requests that name no subset need theirs whatever there is.
            if (plans.size() < MOST || name.equals(config.defaultName())) {
                plans.put(name, new Named(name, plan.apply(among)));
            }
        });
        Named otherwise = switch (config.fallback()) {
            case ANY -> new Named("", all);
            case NONE -> new Named("", plan.apply(List.of()));
            case DEFAULT -> {
                Named named = plans.get(config.defaultName());
                yield named == null ? new Named("", plan.apply(List.of())) : named;
            }
        };
        return new Subsets(config, plans, otherwise, byName.size() - plans.size());
    }

    /** By what subsets are balanced: large tables are not each as large as that for all endpoints, but together, or as is usual. */
    public static BalanceConfig part(BalanceConfig config, List<String> of) {
        long subsets = Math.min(
                MOST, of.stream().filter(each -> !each.isEmpty()).distinct().count());
        for (int size : TABLE_SIZES) {
            boolean usual = size == TABLE_SIZES[TABLE_SIZES.length - 1];
            if (subsets > 1 && size < config.tableSize() && (usual || size * subsets <= config.tableSize())) {
                return config.withTableSize(size);
            }
        }
        return config;
    }

    /** What was configured. */
    public BalanceConfig.Subset config() {
        return config;
    }

    /** A subset; null when there is none of this name. */
    public @Nullable Named named(String name) {
        return plans.get(name);
    }

    /** What is there for requests that name no subset, or one that no endpoint belongs to. */
    public Named otherwise() {
        return otherwise;
    }

    /** How many subsets count for nothing, since there are too many. */
    public int left() {
        return left;
    }
}
