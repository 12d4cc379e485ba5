package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How requests are spread over the endpoints of an upstream as they are at one moment: over priorities by what these can bear, and within
 * each by a load balancer. Immutable; made anew when anything changes.
 */
public final class Plan {
    /** Nothing can be chosen: there is no endpoint, or none is healthy and panic is off. */
    public static final int NONE = -1;

    private static final int ALL = 100;

    /**
     * A priority that gets requests.
     *
     * @param upTo its percentage and those before it
     * @param numbers of its endpoints among all; null: they are all
     */
    private record Level(int upTo, LoadBalancer balancer, int @Nullable [] numbers) {}

    private final Level[] levels;
    private final boolean hashes;
    private final int healthy;
    private final boolean panic;
    /** All endpoints take turns, which is the usual case and needs no look at a level; 0: they do not. */
    private final int turns;

    private Plan(Level[] levels, boolean hashes, int healthy, boolean panic) {
        this.levels = levels;
        this.turns = levels.length == 1 && levels[0].numbers == null && levels[0].balancer instanceof RoundRobin even
                ? even.plainTurns()
                : 0;
        this.hashes = hashes;
        this.healthy = healthy;
        this.panic = panic;
    }

    /** A plan for endpoints, which it numbers in this order. */
    public static Plan of(List<Member> members, LoadBalancerFactory factory, BalanceConfig config) {
        return of(members, IntStream.range(0, members.size()).boxed().toList(), factory, config);
    }

    /**
     * A plan for some of the endpoints.
     *
     * @param among their numbers, in order
     */
    public static Plan of(
            List<Member> members, List<Integer> among, LoadBalancerFactory factory, BalanceConfig config) {
        Map<Integer, List<Integer>> byPriority = new TreeMap<>();
        int healthy = 0;
        for (int i : among) {
            byPriority
                    .computeIfAbsent(members.get(i).priority(), _ -> new ArrayList<>())
                    .add(i);
            healthy += members.get(i).healthy() ? 1 : 0;
        }
        List<List<Integer>> priorities = List.copyOf(byPriority.values());
        if (priorities.isEmpty()) {
            return new Plan(new Level[0], factory.hashes(), 0, false);
        }
        PriorityLoads loads = PriorityLoads.of(
                priorities.stream()
                        .mapToInt(each -> (int) each.stream()
                                .filter(i -> members.get(i).healthy())
                                .count())
                        .toArray(),
                priorities.stream().mapToInt(List::size).toArray(),
                config.overprovisioningPercent(),
                config.panicThresholdPercent());
        List<Level> levels = new ArrayList<>();
        int upTo = 0;
        boolean panic = false;
        for (int i = 0; i < priorities.size(); i++) {
            boolean all = loads.panic()[i];
            List<Integer> used = priorities.get(i).stream()
                    .filter(each -> all || members.get(each).healthy())
                    .toList();
            if (loads.percent()[i] == 0 || used.isEmpty()) {
                continue;
            }
            panic |= all;
            upTo += loads.percent()[i];
            LoadBalancer balancer =
                    factory.create(new Endpoints(used.stream().map(members::get).toList()), config);
            boolean whole = used.size() == members.size();
            levels.add(new Level(
                    upTo,
                    balancer,
                    whole ? null : used.stream().mapToInt(each -> each).toArray()));
        }
        return new Plan(levels.toArray(Level[]::new), factory.hashes(), healthy, panic);
    }

    /** The number of an endpoint, or {@link #NONE}. */
    public int choose(Pick pick) {
        if (turns > 0 && !pick.excludes()) {
            return pick.turn() % turns;
        }
        if (levels.length == 0) {
            return NONE;
        }
        Level level = levels.length == 1 ? levels[0] : level(pick);
        pick.numbers = level.numbers;
        int chosen = level.balancer.choose(pick);
        return level.numbers == null ? chosen : level.numbers[chosen];
    }

    private Level level(Pick pick) {
        // Keys stay at their priority: its number comes of other bits than what the load balancer goes by.
        int point =
                hashes ? (int) Long.remainderUnsigned(pick.hash() * GOLDEN >>> Integer.SIZE, ALL) : pick.random(ALL);
        int index = 0;
        while (index < levels.length - 1 && levels[index].upTo <= point) {
            index++;
        }
        return levels[index];
    }

    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    /** Endpoints that are healthy. */
    public int healthy() {
        return healthy;
    }

    /** Whether endpoints get requests that are not healthy, since too few are. */
    public boolean panic() {
        return panic;
    }
}
