package dev.coppice.acceptance.fault;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Something that is done to the nodes for a while. */
sealed interface Fault {

    /** A kind of fault; each has parameters that are drawn. */
    enum Kind {
        KILL,
        KILL_ALL,
        POWER,
        TORN_LOG,
        RESTART,
        PAUSE,
        ISOLATE,
        SPLIT,
        ONE_WAY,
        BRIDGE,
        LOSS,
        DELAY,
        CLOCK,
        DISK_FULL,
        SYNC_ERROR,
        SLOW_DISK,
        COMPACT,
        DEFRAGMENT
    }

    /** SIGKILL; started again at its end. */
    record Kill(Set<Integer> nodes) implements Fault {}

    /** SIGKILL, and what was never synced is lost; started again at its end. */
    record PowerFailure(Set<Integer> nodes, long seed) implements Fault {}

    /** SIGKILL, and the newest file of the log ends with a part of a record; started again at its end. */
    record TornLog(int node, long seed) implements Fault {}

    /** SIGTERM; started again at its end. */
    record Restart(int node) implements Fault {}

    /** SIGSTOP, then SIGCONT. */
    record Pause(Set<Integer> nodes) implements Fault {}

    /** The nodes of one side do not reach those of the other, and the other way round. */
    record Partition(Set<Integer> side) implements Fault {}

    /** What a node sends is lost, or what others send it. */
    record OneWay(int node, boolean mute) implements Fault {}

    /** Two halves that reach each other only through one node that both reach. */
    record Bridge(int node, Set<Integer> side) implements Fault {}

    record Loss(double probability) implements Fault {}

    record Delay(int leastMillis, int mostMillis, long seed) implements Fault {}

    record ClockJump(int node, Duration offset) implements Fault {}

    record DiskFull(int node) implements Fault {}

    record SyncError(int node) implements Fault {}

    record SlowDisk(int node, int millis) implements Fault {}

    /** History is compacted, but for some revisions. */
    record Compact(int node, int kept) implements Fault {}

    record Defragment(int node, boolean kill) implements Fault {}

    static Fault draw(Random random, List<Kind> kinds, int nodes) {
        return draw(random, kinds.get(random.nextInt(kinds.size())), nodes);
    }

    private static Fault draw(Random random, Kind kind, int nodes) {
        int node = random.nextInt(nodes);
        return switch (kind) {
            case KILL -> new Kill(some(random, nodes, 1 + random.nextInt(Math.max(1, nodes / 2))));
            case KILL_ALL -> new Kill(some(random, nodes, nodes));
            case POWER -> new PowerFailure(some(random, nodes, 1 + random.nextInt(nodes)), random.nextLong());
            case TORN_LOG -> new TornLog(node, random.nextLong());
            case RESTART -> new Restart(node);
            case PAUSE -> new Pause(some(random, nodes, 1 + random.nextInt(nodes)));
            case ISOLATE -> new Partition(Set.of(node));
            case SPLIT -> new Partition(some(random, nodes, Math.max(1, nodes / 2)));
            case ONE_WAY -> new OneWay(node, random.nextBoolean());
            case BRIDGE -> bridge(random, node, nodes);
            case LOSS -> new Loss(0.02 + random.nextDouble() * 0.3);
            case DELAY -> {
                int least = random.nextInt(60);
                yield new Delay(least, least + random.nextInt(200), random.nextLong());
            }
            case CLOCK -> new ClockJump(node, Duration.ofSeconds(random.nextInt(-7200, 7200)));
            case DISK_FULL -> new DiskFull(node);
            case SYNC_ERROR -> new SyncError(node);
            case SLOW_DISK -> new SlowDisk(node, 20 + random.nextInt(300));
            case COMPACT -> new Compact(node, random.nextInt(200));
            case DEFRAGMENT -> new Defragment(node, random.nextBoolean());
        };
    }

    private static Bridge bridge(Random random, int node, int nodes) {
        List<Integer> others = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            if (i != node) {
                others.add(i);
            }
        }
        Collections.shuffle(others, random);
        return new Bridge(node, Set.copyOf(others.subList(0, others.size() / 2)));
    }

    private static Set<Integer> some(Random random, int nodes, int count) {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            all.add(i);
        }
        Collections.shuffle(all, random);
        return Set.copyOf(all.subList(0, Math.min(count, nodes)));
    }
}
