package dev.coppice.coordination.contention;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.coordination.ContenderKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class EntriesTest {
    private final Standings standings = new Standings();

    private Queue queue(String name) {
        return standings.picture().queue(name).orElseThrow();
    }

    private static List<Long> leases(List<Standing> standings) {
        return standings.stream().map(each -> each.contender().lease()).toList();
    }

    @Test
    void theFirstHoldsAndTimesAreThoseOfTheChanges() {
        ByteString first = standings.come("jobs/nightly", 1, "");
        standings.now = standings.now.plusSeconds(5);
        standings.come("jobs/nightly", 2, "owner=alice");
        Queue before = queue("jobs/nightly");
        assertThat(leases(before.holders())).containsExactly(1L);
        assertThat(leases(before.waiters())).containsExactly(2L);
        assertThat(before.waiters().getFirst().contender().who()).isEqualTo("alice");
        standings.now = standings.now.plusSeconds(7);
        List<Entries.Wait> ended = standings.go(first);
        assertThat(ended)
                .singleElement()
                .satisfies(wait ->
                        assertThat(Duration.between(wait.from(), wait.to())).isEqualTo(Duration.ofSeconds(7)));
        Standing now = queue("jobs/nightly").holders().getFirst();
        assertThat(now.since()).isEqualTo(standings.now);
        assertThat(now.exact()).isTrue();
    }

    @Test
    void keysThatAreNoContendersAreNone() {
        var _ = standings.apply(Event.newBuilder()
                .setKv(Standings.pair(ByteString.copyFromUtf8("events/ff"), 5, "", 2))
                .build());
        assertThat(standings.picture().queues()).isEmpty();
        ByteString key = standings.come("a", 7, "");
        assertThat(standings.picture().queues()).hasSize(1);
        // Put again without its lease, it stands for nobody any more.
        var _ = standings.apply(
                Event.newBuilder().setKv(Standings.pair(key, 0, "", 2)).build());
        assertThat(standings.picture().queues()).isEmpty();
    }

    @Test
    void anOwnerMayBeNamedLater() {
        ByteString key = standings.come("a", 7, "");
        long token = queue("a").holders().getFirst().contender().token();
        standings.now = standings.now.plusSeconds(9);
        var _ = standings.apply(Event.newBuilder()
                .setKv(Standings.pair(key, 7, "owner=bob", token))
                .build());
        Standing holder = queue("a").holders().getFirst();
        assertThat(holder.contender().who()).isEqualTo("bob");
        assertThat(holder.since()).isEqualTo(standings.now.minusSeconds(9));
    }

    @Test
    void sortsAreToldApart() {
        standings.come("rw/read", 1, "kind=read");
        standings.come("rw/read", 2, "kind=read");
        standings.come("rw/write", 3, "kind=write");
        standings.come("rw/read", 4, "kind=read");
        standings.come("pool", 5, "kind=semaphore;permits=2");
        standings.come("pool", 6, "kind=semaphore;permits=2");
        standings.come("pool", 7, "kind=semaphore;permits=2");
        standings.come("boss", 8, "node-1");
        assertThat(leases(queue("rw").holders())).containsExactly(1L, 2L);
        assertThat(leases(queue("rw").waiters())).containsExactly(3L, 4L);
        assertThat(leases(queue("pool").holders())).containsExactly(5L, 6L);
        assertThat(queue("pool").sort()).isEqualTo(Queue.Sort.SEMAPHORE);
        assertThat(standings.picture().elections()).extracting(Queue::name).containsExactly("boss");
        assertThat(standings.picture().locks()).extracting(Queue::name).containsExactly("pool", "rw");
    }

    @Test
    void timesOutliveARestart() {
        standings.come("a", 1, "");
        standings.now = standings.now.plusSeconds(60);
        Entries again = new Entries();
        List<KeyValue> there = List.of(
                Standings.pair(ByteString.copyFromUtf8("a/1"), 1, "", 2),
                Standings.pair(ByteString.copyFromUtf8("b/2"), 2, "", 3));
        again.load(there, standings.entries().times(), standings.now);
        Contention picture = again.picture(1, true);
        Standing known = picture.queue("a").orElseThrow().holders().getFirst();
        assertThat(known.exact()).isTrue();
        assertThat(known.since()).isEqualTo(standings.now.minusSeconds(60));
        assertThat(picture.queue("b").orElseThrow().holders().getFirst().exact())
                .isFalse();
    }

    /** Against the rule itself, over random comings and goings. */
    @Test
    void whoHoldsIsWhoseTurnItIs() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        Map<ByteString, String> there = new TreeMap<>(ByteString.unsignedLexicographicalComparator());
        for (int step = 0; step < 3_000; step++) {
            if (random.nextInt(100) < 55 || there.isEmpty()) {
                String raw = List.of("x", "x/y", "s", "rw/read", "rw/write").get(random.nextInt(5));
                String value = raw.startsWith("rw/")
                        ? "kind=" + raw.substring(3)
                        : raw.equals("s") ? "kind=semaphore;permits=3" : "";
                long lease = random.nextLong(1, 40);
                ByteString key = ContenderKey.of(ByteString.copyFromUtf8(raw), lease);
                if (there.putIfAbsent(key, raw) == null) {
                    standings.come(raw, lease, value);
                }
            } else {
                ByteString key = new ArrayList<>(there.keySet()).get(random.nextInt(there.size()));
                there.remove(key);
                var _ = standings.go(key);
            }
            if (step % 10 == 0) {
                check("seed " + seed + ", step " + step, there.keySet().size());
            }
        }
    }

    private void check(String as, int size) {
        List<Standing> all = standings.picture().queues().values().stream()
                .flatMap(queue -> queue.standings().stream())
                .toList();
        assertThat(all).as(as).hasSize(size);
        for (Standing each : all) {
            Contender contender = each.contender();
            List<ByteString> before = all.stream()
                    .map(Standing::contender)
                    .filter(other -> other.token() < contender.token())
                    .filter(other -> other.key().startsWith(contender.turn().prefix()))
                    .sorted(Comparator.comparingLong(Contender::token))
                    .map(Contender::key)
                    .toList();
            assertThat(each.holds())
                    .as(as)
                    .isEqualTo(before.size() < contender.turn().permits());
            if (!each.holds()) {
                assertThat(each.before()).as(as).isEqualTo(before);
            }
        }
    }
}
