package dev.coppice.coordination.deadlock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.coordination.contention.Contender;
import dev.coppice.coordination.contention.Standings;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DeadlocksTest {
    private final Standings standings = new Standings();

    private List<Deadlock> found() {
        return Deadlocks.in(standings.picture()).deadlocks();
    }

    private static List<Long> leases(Deadlock deadlock) {
        return deadlock.places().stream().map(Contender::lease).sorted().toList();
    }

    @Test
    void oneLeaseWithSeveralLocksIsOneActivity() {
        standings.come("a", 1, "");
        standings.come("b", 2, "");
        standings.come("b", 1, "");
        assertThat(found()).isEmpty();
        standings.come("a", 2, "");
        Deadlock deadlock = found().getFirst();
        assertThat(found()).hasSize(1);
        assertThat(deadlock.victim().name()).as("the one that began last").isEqualTo("lease 2");
        assertThat(deadlock.words())
                .isEqualTo("lease 2 waits for \"a\" behind lease 1, lease 1 waits for \"b\" behind lease 2");
        assertThat(leases(deadlock)).containsOnly(2L);
    }

    @Test
    void leasesOfOneOwnerAreOneActivity() {
        standings.come("a", 1, "owner=alice");
        standings.come("b", 2, "owner=bob");
        standings.come("b", 3, "owner=alice");
        standings.come("a", 4, "");
        assertThat(found()).as("lease 4 is nobody's, and holds nothing").isEmpty();
        standings.come("a", 5, "owner=bob");
        Deadlock deadlock = found().getFirst();
        assertThat(deadlock.victim().name()).isEqualTo("bob");
        assertThat(leases(deadlock)).containsExactly(2L, 5L);
        assertThat(deadlock.links()).hasSize(2);
        assertThat(deadlock.id()).isEqualTo(found().getFirst().id());
    }

    @Test
    void anOwnerThatWaitsForItselfIsADeadlock() {
        standings.come("a", 1, "owner=alice");
        standings.come("a", 2, "owner=alice");
        Deadlock deadlock = found().getFirst();
        assertThat(deadlock.members()).isEqualTo(1);
        assertThat(deadlock.names()).containsExactly("a");
    }

    @Test
    void twoReadersThatWouldWriteAreADeadlock() {
        standings.come("file/read", 1, "kind=read;owner=alice");
        standings.come("file/read", 2, "kind=read;owner=bob");
        standings.come("other", 2, "owner=bob");
        standings.come("file/write", 3, "kind=write");
        assertThat(found()).isEmpty();
        standings.come("other", 4, "owner=alice");
        assertThat(found()).as("bob only reads").isEmpty();
        standings.come("file/write", 5, "kind=write;owner=bob");
        assertThat(found()).as("bob waits for itself, and alice for bob").hasSize(1);
        assertThat(found().getFirst().victim().name()).isEqualTo("bob");
    }

    @Test
    void aCycleThroughASemaphoreWithOthersInItIsNone() {
        standings.come("pool", 1, "kind=semaphore;permits=2");
        standings.come("pool", 9, "kind=semaphore;permits=2");
        standings.come("a", 2, "");
        standings.come("pool", 2, "kind=semaphore;permits=2");
        standings.come("a", 1, "");
        assertThat(found()).as("the permit of lease 9 comes free").isEmpty();
        standings.come("a", 9, "");
        assertThat(found()).hasSize(1);
        assertThat(found().getFirst().members()).isEqualTo(3);
    }

    @Test
    void electionsCountToo() {
        standings.come("boss", 1, "node-1");
        standings.come("a", 2, "");
        standings.come("a", 1, "");
        standings.come("boss", 2, "node-2");
        assertThat(found()).hasSize(1);
    }

    @Test
    void longQueuesAreQuickAndHarmless() {
        for (int lease = 1; lease <= 3_000; lease++) {
            standings.come("busy", lease, "");
        }
        standings.come("other", 3_001, "");
        standings.come("busy", 3_001, "");
        Deadlocks.Found found = Deadlocks.in(standings.picture());
        assertThat(found.deadlocks()).isEmpty();
        assertThat(found.leftOut()).as("the wait behind 3,000 is not looked at").isEqualTo(1);
    }
}
