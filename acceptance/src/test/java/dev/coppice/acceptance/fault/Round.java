package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Some clients and watchers at work while faults come and go; then everything is mended, and all that was recorded is
 * judged. Rounds follow each other on one cluster, each with keys of its own. The seed decides what is asked and which faults
 * come when; it does not decide how threads and nodes interleave.
 */
final class Round {
    private static final Duration MENDED = Duration.ofSeconds(120);
    private static final int KEY_VALUE_CLIENTS_PER_NODE = 2;
    private static final int LOCK_CLIENTS = 3;
    private static final int LEASE_CLIENTS = 2;

    private final Rig rig;
    private final List<Fault.Kind> kinds;
    private final int faults;
    private final Pace pace;
    private final Random random;
    private final Load load;
    private final List<WatchClient> watchers = new ArrayList<>();
    private final List<Thread> clients = new ArrayList<>();
    private final List<String> done = new ArrayList<>();
    private final Map<String, Integer> counts = new TreeMap<>();
    private long begin;
    private int endedBefore;

    /**
     * What came of a round.
     *
     * @param problems empty when nothing is wrong
     * @param undecided how many searches for an order were given up
     * @param endedByThemselves how often nodes ended without having been told to, and were started again
     */
    record Outcome(
            List<String> problems,
            List<String> faults,
            Map<String, Integer> faultCounts,
            long answered,
            long unknown,
            long refused,
            int changes,
            int undecided,
            int endedByThemselves) {}

    /**
     * How long faults last, and what is between them.
     *
     * @param mostHoldMillis 500 at least
     * @param mostCalmMillis 500 at least
     */
    record Pace(int mostHoldMillis, int mostCalmMillis) {
        static final Pace USUAL = new Pace(5_000, 4_500);
        static final Pace BRISK = new Pace(2_500, 1_000);
    }

    Round(Rig rig, int number, long seed, List<Fault.Kind> kinds, int faults) {
        this(rig, number, seed, kinds, faults, Pace.USUAL);
    }

    Round(Rig rig, int number, long seed, List<Fault.Kind> kinds, int faults, Pace pace) {
        this.rig = rig;
        this.kinds = kinds;
        this.faults = faults;
        this.pace = pace;
        this.random = new Random(seed);
        this.load = new Load("r" + number + "/");
    }

    Outcome run() throws IOException, InterruptedException {
        rig.awaitServing(MENDED);
        begin = rig.revision();
        endedBefore = rig.endedByThemselves();
        startWatchers();
        startClients();
        Nemesis nemesis = new Nemesis(
                rig,
                () -> watchers.stream()
                        .mapToLong(each -> each.log().seen())
                        .min()
                        .orElse(0));
        Load.pause(500);
        for (int i = 0; i < faults; i++) {
            disturb(nemesis);
        }
        rig.heal();
        rig.awaitServing(MENDED);
        Load.pause(500);
        load.end();
        for (Thread each : clients) {
            each.join();
        }
        return judge();
    }

    /** What was done so far, in order. */
    List<String> faults() {
        return done;
    }

    private void startWatchers() {
        for (int i = 0; i < rig.nodes().size(); i++) {
            watch("the watcher of n" + i, List.of(rig.client(i)));
        }
        watch("the watcher that moves", rig.clients());
        watchers.forEach(WatchClient::start);
    }

    private void watch(String name, List<EtcdClient> nodes) {
        watchers.add(new WatchClient(name, nodes, begin + 1, random.nextLong()));
    }

    private void startClients() {
        KeyValueClient.Keys keys = new KeyValueClient.Keys(load.prefix() + "kv/");
        int number = 0;
        for (EtcdClient node : rig.clients()) {
            for (int i = 0; i < KEY_VALUE_CLIENTS_PER_NODE; i++) {
                start(new KeyValueClient(number++, node, load, keys, random.nextLong()));
            }
        }
        for (int i = 0; i < LOCK_CLIENTS; i++) {
            start(new LockClient(number++, rig.client(i % rig.clients().size()), load, "lock", random.nextLong()));
        }
        for (int i = 0; i < LEASE_CLIENTS; i++) {
            start(new LeaseClient(number++, rig.client(i % rig.clients().size()), load, random.nextLong()));
        }
    }

    private void start(Runnable client) {
        clients.add(Thread.ofVirtual().start(client));
    }

    private void disturb(Nemesis nemesis) throws IOException, InterruptedException {
        Fault fault = Fault.draw(random, kinds, rig.nodes().size());
        long hold = 500 + random.nextInt(pace.mostHoldMillis() - 499);
        long calm = 500 + random.nextInt(pace.mostCalmMillis() - 499);
        done.add(LocalTime.now() + " " + fault + " for " + hold + " ms");
        String told = nemesis.begin(fault);
        if (!told.isEmpty()) {
            done.add("    " + told);
        }
        counts.merge(fault.getClass().getSimpleName(), 1, Integer::sum);
        Load.pause(hold);
        nemesis.end(fault);
        // Where it starts slowly, a node that is alone would be broken while it starts only, and never at work.
        if (rig.nodes().size() == 1 && random.nextBoolean()) {
            rig.awaitServing(MENDED);
        }
        Load.pause(calm);
    }

    // ---- judging

    private Outcome judge() throws InterruptedException {
        List<String> problems = new ArrayList<>(load.history().problems());
        long end = rig.mark(load.prefix() + "end");
        for (int i = 0; i < rig.nodes().size(); i++) {
            WatchClient late = new WatchClient(
                    "a watcher of n" + i + " from the end", List.of(rig.client(i)), lateStart(end), random.nextLong());
            watchers.add(late);
            late.start();
        }
        for (WatchClient each : watchers) {
            if (!each.log().awaitSeen(end, 60_000)) {
                problems.add(
                        each.log().name() + " was told revision " + each.log().seen() + " at most, but not " + end);
            }
            each.close();
        }
        List<WatchLog> logs = watchers.stream().map(WatchClient::log).toList();
        Changes changes = Changes.merge(logs, begin, end);
        problems.addAll(changes.problems());
        for (WatchLog each : logs) {
            problems.addAll(WatchChecker.check(each, changes));
        }
        problems.addAll(RevisionChecker.check(load.history(), changes, load.prefix() + "kv/"));
        problems.addAll(guarded(changes));
        problems.addAll(rig.compareHashes(end));
        int undecided = search(problems, changes);
        return new Outcome(
                problems,
                done,
                counts,
                load.answered(),
                load.unknown(),
                load.refused(),
                changes.between(begin + 1, end).size(),
                undecided,
                rig.endedByThemselves() - endedBefore);
    }

    /** Late watchers ask for what is not compacted. */
    private long lateStart(long end) {
        try {
            long compacted = rig.client(0).hash(end).getCompactRevision();
            return Math.max(begin, compacted) + 1;
        } catch (StatusRuntimeException e) {
            return begin + 1;
        }
    }

    /** What is written on condition of a lock is written by one owner after the other. */
    private List<String> guarded(Changes changes) {
        List<String> problems = new ArrayList<>();
        List<String> owners = new ArrayList<>();
        String prefix = load.prefix() + LockClient.GUARDED;
        for (Change each : changes.between(begin + 1, changes.last())) {
            String owner = each.value();
            if (owner == null || !each.key().startsWith(prefix)) {
                continue;
            }
            if (owners.isEmpty() || !owners.getLast().equals(owner)) {
                if (owners.contains(owner)) {
                    problems.add(owner + " wrote under its lock after another owner had: " + each);
                }
                owners.add(owner);
            }
        }
        return problems;
    }

    private int search(List<String> problems, Changes changes) {
        int undecided = 0;
        Map<String, List<Operation<Request, Response>>> groups = new TreeMap<>();
        for (Operation<Request, Response> each :
                UnknownOutcomes.resolve(changes, load.history().operations())) {
            groups.computeIfAbsent(
                            KeyValueClient.Keys.group(
                                    each.input().then().getFirst().key()),
                            _ -> new ArrayList<>())
                    .add(each);
        }
        for (var each : groups.entrySet()) {
            undecided +=
                    note(problems, each.getKey(), LinearizabilityChecker.check(new KeyValueModel(), each.getValue()));
        }
        for (var each : load.history().locks().entrySet()) {
            undecided += note(problems, each.getKey(), LinearizabilityChecker.check(new LockModel(), each.getValue()));
        }
        for (var each : load.history().leases().entrySet()) {
            undecided += note(
                    problems,
                    "lease " + Long.toHexString(each.getKey()),
                    LinearizabilityChecker.check(new LeaseModel(), each.getValue()));
        }
        return undecided;
    }

    private static int note(List<String> problems, String what, Verdict verdict) {
        return switch (verdict) {
            case Verdict.Linearizable _ -> 0;
            case Verdict.Violation violation -> {
                problems.add(what + " is " + violation);
                yield 0;
            }
            case Verdict.Undecided _ -> 1;
        };
    }
}
