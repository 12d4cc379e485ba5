package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.IntConsumer;

/** Endpoints, and choices among them, for tests. */
final class Choosing {
    final long seed = System.nanoTime();
    final Random random = new Random(seed);
    long now;
    final Pick pick = new Pick(random, () -> now);
    private int turn;

    /** Healthy ones of priority 0, by weight. */
    static List<Member> members(double... weights) {
        List<Member> all = new ArrayList<>();
        for (double weight : weights) {
            all.add(new Member("10.0.0." + all.size() + ":80", 0, weight, true, new EndpointLoad()));
        }
        return all;
    }

    static double[] even(int count) {
        double[] weights = new double[count];
        java.util.Arrays.fill(weights, 1);
        return weights;
    }

    static BalanceConfig config(String algorithm, int tableSize) {
        BalanceConfig base = BalanceConfig.DEFAULT;
        return new BalanceConfig(algorithm, 2, base.decayNanos(), tableSize, List.of(), null, 50, 140);
    }

    static Plan plan(String algorithm, List<Member> members) {
        return plan(config(algorithm, 0), members);
    }

    static Plan plan(BalanceConfig config, List<Member> members) {
        return Plan.of(members, Objects.requireNonNull(LoadBalancers.named(config.algorithm())), config);
    }

    int choose(Plan plan) {
        return plan.choose(pick.with(turn++, random.nextLong(), -1));
    }

    int choose(Plan plan, long hash, int unwanted) {
        return plan.choose(pick.with(turn++, hash, unwanted));
    }

    /** How often each is chosen. */
    int[] counts(Plan plan, int endpoints, int choices, IntConsumer chosen) {
        int[] counts = new int[endpoints];
        for (int i = 0; i < choices; i++) {
            int each = choose(plan);
            counts[each]++;
            chosen.accept(each);
        }
        return counts;
    }

    int[] counts(Plan plan, int endpoints, int choices) {
        return counts(plan, endpoints, choices, _ -> {});
    }

    String told() {
        return "seed " + seed;
    }
}
