package dev.coppice.bench.gateway;

import com.sun.management.ThreadMXBean;
import dev.coppice.bench.kernel.Section;
import dev.coppice.gateway.balance.EndpointLoad;
import dev.coppice.gateway.balance.LoadBalancers;
import dev.coppice.gateway.balance.Member;
import dev.coppice.gateway.balance.Pick;
import dev.coppice.gateway.balance.Plan;
import dev.coppice.gateway.config.BalanceConfig;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * Time and memory of choosing an endpoint, for each algorithm and several numbers of endpoints, in turns within one process, so that no
 * algorithm is the only one that the JVM knows: {@code ChoiceLoad [ROUNDS]}. Beside them, as {@code none}, turns without any plan: an
 * element of a list by a counter. With each line, how long the plan took to be made.
 */
public final class ChoiceLoad {
    private static final int WARM_UP = 3;
    private static final int CHOICES = 2_000_000;
    private static final int[] SIZES = {3, 100, 10_000};
    private static final String NONE = "none";
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final SplittableRandom random = new SplittableRandom(1);
    private final Pick pick = new Pick(random, Section::nanoTime);
    private int turn;
    private long sum;

    /** One algorithm with so many endpoints. */
    private static final class Case {
        final String algorithm;
        final List<Member> members;
        final Plan plan;
        final double planMillis;
        final double[] nanos;
        double bytes;

        Case(String algorithm, int size, int rounds) {
            this.algorithm = algorithm;
            this.nanos = new double[rounds];
            members = new ArrayList<>(size);
            for (int i = 0; i < size; i++) {
                EndpointLoad load = new EndpointLoad();
                load.observe(Section.nanoTime(), 1_000_000 + i, 10_000_000_000L);
                members.add(new Member("10.0." + i / 256 + "." + i % 256 + ":80", 0, 1, true, load));
            }
            BalanceConfig base = BalanceConfig.DEFAULT;
            String name = algorithm.equals(NONE) ? base.algorithm() : algorithm;
            BalanceConfig config =
                    new BalanceConfig(name, base.choices(), base.decayNanos(), 0, List.of(), null, 50, 140);
            long begin = Section.nanoTime();
            plan = Plan.of(members, Objects.requireNonNull(LoadBalancers.named(name)), config);
            planMillis = (Section.nanoTime() - begin) / 1e6;
        }
    }

    public static void main(String[] arguments) {
        new ChoiceLoad().run(arguments.length > 0 ? Integer.parseInt(arguments[0]) : 11);
    }

    private void run(int rounds) {
        List<String> names = new ArrayList<>(List.of(NONE));
        names.addAll(LoadBalancers.names());
        List<Case> cases = new ArrayList<>();
        for (int size : SIZES) {
            names.forEach(name -> cases.add(new Case(name, size, rounds)));
        }
        for (int round = -WARM_UP; round < rounds; round++) {
            for (Case each : cases) {
                measure(each, round);
            }
        }
        cases.forEach(ChoiceLoad::tell);
        if (sum == 0) {
            throw new IllegalStateException("nothing was chosen");
        }
    }

    private void measure(Case of, int round) {
        long thread = Thread.currentThread().threadId();
        long bytes = THREADS.getThreadAllocatedBytes(thread);
        long cpu = THREADS.getCurrentThreadCpuTime();
        sum += of.algorithm.equals(NONE) ? turns(of.members) : choices(of.plan, of.members);
        long spent = THREADS.getCurrentThreadCpuTime() - cpu;
        if (round >= 0) {
            of.nanos[round] = (double) spent / CHOICES;
            of.bytes = (double) (THREADS.getThreadAllocatedBytes(thread) - bytes) / CHOICES;
        }
    }

    private long choices(Plan plan, List<Member> members) {
        long total = 0;
        for (int i = 0; i < CHOICES; i++) {
            turn = turn == Integer.MAX_VALUE ? 0 : turn + 1;
            // A multiplication in place of a hash, which is not what is measured here.
            total += members.get(plan.choose(pick.with(turn, turn * 0x9E37_79B9_7F4A_7C15L, -1)))
                            .priority()
                    + 1;
        }
        return total;
    }

    private long turns(List<Member> members) {
        long total = 0;
        for (int i = 0; i < CHOICES; i++) {
            turn = turn == Integer.MAX_VALUE ? 0 : turn + 1;
            total += members.get(turn % members.size()).priority() + 1;
        }
        return total;
    }

    private static void tell(Case of) {
        double[] sorted = of.nanos.clone();
        Arrays.sort(sorted);
        System.out.printf(
                Locale.ROOT,
                "{\"bench\":\"gateway-choice\",\"case\":\"%s\",\"endpoints\":%d,\"cpu_ns\":%.1f,\"cpu_ns_least\":%.1f,"
                        + "\"cpu_ns_most\":%.1f,\"bytes\":%.2f,\"plan_ms\":%.1f,\"rounds\":%d}%n",
                of.algorithm,
                of.members.size(),
                sorted[sorted.length / 2],
                sorted[0],
                sorted[sorted.length - 1],
                of.bytes,
                of.planMillis,
                sorted.length);
    }
}
