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

    /** What was configured. */
    public BalanceConfig.Subset config() {
        return config;
    }

    /** A subset; null when no endpoint belongs to it. */
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
