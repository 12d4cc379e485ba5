package dev.coppice.coordination.page;

import dev.coppice.coordination.contention.Contender;
import dev.coppice.coordination.contention.Contention;
import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.contention.Role;
import dev.coppice.coordination.contention.Standing;
import dev.coppice.coordination.deadlock.Deadlock;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import dev.coppice.coordination.deadlock.Deadlocks;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What the console's page shows.
 *
 * @param ready whether all of the store has been read
 * @param left names that are not shown because there are too many
 */
record Contents(
        boolean ready,
        long holding,
        long waiting,
        List<Cycle> deadlocks,
        WaitPicture picture,
        List<Row> locks,
        List<Row> elections,
        int left) {
    private static final int MOST_ROWS = 200;
    private static final int MOST_PARTIES = 10;

    /** A deadlock. */
    record Cycle(String words, int members, String victim) {}

    /** A name, with who stands there. */
    record Row(String name, String sort, boolean deadlocked, List<Who> holders, List<Who> waiters, int more) {}

    /** Somebody who stands there. */
    record Who(String name, String role, String lease, long token, String since, boolean older) {}

    static Contents of(DeadlockWatch.View view, boolean mayLocks, boolean mayElections) {
        Contention contention = view.contention();
        List<Queue> locks = mayLocks ? contention.locks() : List.of();
        List<Queue> elections = mayElections ? contention.elections() : List.of();
        boolean all = mayLocks && mayElections;
        List<Queue> drawn = all ? List.copyOf(contention.queues().values()) : mayLocks ? locks : elections;
        DeadlockWatch.View shown = all ? view : new DeadlockWatch.View(contention, Deadlocks.Found.NOTHING);
        return new Contents(
                contention.ready(),
                count(drawn, true),
                count(drawn, false),
                shown.found().deadlocks().stream().map(Contents::cycle).toList(),
                WaitPicture.of(shown, drawn),
                rows(locks, shown),
                rows(elections, shown),
                Math.max(0, locks.size() - MOST_ROWS) + Math.max(0, elections.size() - MOST_ROWS));
    }

    private static long count(List<Queue> queues, boolean holds) {
        return queues.stream()
                .flatMap(queue -> queue.standings().stream())
                .filter(each -> each.holds() == holds)
                .count();
    }

    private static Cycle cycle(Deadlock deadlock) {
        return new Cycle(deadlock.words(), deadlock.members(), deadlock.victim().name());
    }

    /** The most contended first. */
    private static List<Row> rows(List<Queue> queues, DeadlockWatch.View view) {
        return queues.stream()
                .sorted(Comparator.comparing((Queue queue) -> !view.deadlocked(queue.name()))
                        .thenComparing(queue -> -queue.waiters().size())
                        .thenComparing(Queue::name))
                .limit(MOST_ROWS)
                .map(queue -> row(queue, view.deadlocked(queue.name())))
                .toList();
    }

    private static Row row(Queue queue, boolean deadlocked) {
        List<Standing> holders = queue.holders();
        List<Standing> waiters = queue.waiters();
        int more = Math.max(0, holders.size() - MOST_PARTIES) + Math.max(0, waiters.size() - MOST_PARTIES);
        return new Row(queue.name(), queue.sort().word(), deadlocked, parties(holders), parties(waiters), more);
    }

    private static List<Who> parties(List<Standing> standings) {
        return standings.stream().limit(MOST_PARTIES).map(Contents::who).toList();
    }

    private static Who who(Standing standing) {
        Contender contender = standing.contender();
        boolean says = contender.role() == Role.READ || contender.role() == Role.WRITE;
        return new Who(
                contender.who(),
                says ? contender.role().name().toLowerCase(Locale.ROOT) : "",
                Long.toHexString(contender.lease()),
                contender.token(),
                standing.since().truncatedTo(ChronoUnit.MILLIS).toString(),
                !standing.exact());
    }
}
