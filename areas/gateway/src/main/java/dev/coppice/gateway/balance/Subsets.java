package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;
import java.util.ArrayList;
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

    private final BalanceConfig.Subset config;
    private final Map<String, Plan> plans;
    private final Plan otherwise;
    private final int left;

    private Subsets(BalanceConfig.Subset config, Map<String, Plan> plans, Plan otherwise, int left) {
        this.config = config;
        this.plans = plans;
        this.otherwise = otherwise;
        this.left = left;
    }

    /**
     * Sorts endpoints.
     *
     * @param of which subset each belongs to; empty for none
     * @param all the plan for all endpoints
     * @param plan makes one for some of them, by their numbers
     */
    public static Subsets of(
            BalanceConfig.Subset config, List<String> of, Plan all, Function<List<Integer>, Plan> plan) {
        Map<String, List<Integer>> byName = new TreeMap<>();
        for (int i = 0; i < of.size(); i++) {
            if (!of.get(i).isEmpty()) {
                byName.computeIfAbsent(of.get(i), _ -> new ArrayList<>()).add(i);
            }
        }
        Map<String, Plan> plans = new HashMap<>();
        byName.forEach((name, among) -> {
            // Requests that name no subset need theirs whatever there is.
            if (plans.size() < MOST || name.equals(config.defaultName())) {
                plans.put(name, plan.apply(among));
            }
        });
        Plan otherwise = switch (config.fallback()) {
            case ANY -> all;
            case NONE -> plan.apply(List.of());
            case DEFAULT -> {
                Plan named = plans.get(config.defaultName());
                yield named == null ? plan.apply(List.of()) : named;
            }
        };
        return new Subsets(config, plans, otherwise, byName.size() - plans.size());
    }

    /** What was configured. */
    public BalanceConfig.Subset config() {
        return config;
    }

    /** The plan of a subset; null when no endpoint belongs to it. */
    public @Nullable Plan named(String name) {
        return plans.get(name);
    }

    /** The plan for requests that name no subset, or one that no endpoint belongs to. */
    public Plan otherwise() {
        return otherwise;
    }

    /** How many subsets count for nothing, since there are too many. */
    public int left() {
        return left;
    }
}
