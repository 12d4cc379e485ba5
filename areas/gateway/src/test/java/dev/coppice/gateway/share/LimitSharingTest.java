package dev.coppice.gateway.share;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.limit.Algorithm;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlidingWindow;
import dev.coppice.gateway.limit.TokenBucket;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Limits of several nodes: never more pass than is promised, whatever the network does. */
class LimitSharingTest {
    private static final long SECOND = 1_000_000_000;
    private static final long MILLI = 1_000_000;
    private static final long HOUR = 3600 * SECOND;
    private static final int ROUNDS = 60;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private static long anyKey(Random random) {
        return random.nextLong();
    }

    /** A key that a node owns, as all see it. */
    private static long ownedBy(SimulatedSharing all, int node) {
        Members members = all.nodes.getFirst().sharing.members();
        long key = 1;
        while (!members.name(members.owner(key)).equals("node-" + node)) {
            key += 0x9E3779B97F4A7C15L;
        }
        return key;
    }

    @Test
    void ofASmallLimitNothingIsLost() {
        for (int i = 0; i < 20; i++) {
            SimulatedSharing all = new SimulatedSharing(3, new TokenBucket(5, HOUR, 5), random);
            long key = anyKey(random);
            for (int request = 0; request < 12; request++) {
                all.nodes.get(request % 3).ask(key);
                all.steps(1 + random.nextInt(40));
            }
            all.steps(20);
            assertThat(all.passed(key)).as("seed %d", seed).isEqualTo(5);
            assertThat(all.refused).as("seed %d", seed).isEqualTo(7);
            assertThat(SharedOutcome.retryNanos(all.lastRefusal)).isBetween(700 * SECOND, 720 * SECOND);
            assertThat(SharedOutcome.resetNanos(all.lastRefusal)).isBetween(3590 * SECOND, 3600 * SECOND);
            assertThat(all.pending).isZero();
            assertThat(all.alone()).isZero();
        }
    }

    @Test
    void clientsAreToldWhatRemains() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(100, HOUR, 100), random);
        long key = ownedBy(all, 1);
        long[] outcome = {0};
        for (int i = 0; i < 3; i++) {
            long now = all.nodes.getFirst().limit.take(key, all.clock.nanoTime(), decided -> outcome[0] = decided);
            assertThat(now).isEqualTo(SharedOutcome.PENDING);
            all.steps(150);
            assertThat(SharedOutcome.passed(outcome[0])).isTrue();
            assertThat(SharedOutcome.remaining(outcome[0])).isEqualTo(99 - i);
            assertThat(SharedOutcome.resetNanos(outcome[0])).isBetween(30 * SECOND * (i + 1), 36 * SECOND * (i + 1));
        }
        assertThat(SharedOutcome.remaining(all.nodes.get(1).limit.take(key, all.clock.nanoTime(), _ -> {})))
                .isEqualTo(96);
    }

    /** Messages take 3 ms there and back at most: what passes is what the owners have counted. */
    @Test
    void onAGoodNetworkNeverMorePassesThanTheLimit() {
        for (int round = 0; round < ROUNDS; round++) {
            long requests = 1 + random.nextInt(random.nextBoolean() ? 20 : 20_000);
            long burst = 1 + random.nextLong(2 * requests);
            SimulatedSharing all =
                    new SimulatedSharing(1 + random.nextInt(5), new TokenBucket(requests, SECOND, burst), random);
            all.mostDelay = MILLI / 10 + random.nextLong(7 * MILLI / 5);
            long[] keys = random.longs(1 + random.nextInt(3)).toArray();
            int most = 1 + random.nextInt(30);
            String what = "seed %d, round %d: %d in a second, burst %d, %d nodes"
                    .formatted(seed, round, requests, burst, all.nodes.size());
            long begin = all.clock.nanoTime();
            for (int millis = 0; millis < 400; millis++) {
                for (int i = random.nextInt(most); i > 0; i--) {
                    all.nodes.get(random.nextInt(all.nodes.size())).ask(keys[random.nextInt(keys.length)]);
                }
                all.step();
                double allowed = burst + (all.clock.nanoTime() - begin) * (double) requests / SECOND;
                for (long key : keys) {
                    assertThat(all.passed(key)).as(what).isLessThanOrEqualTo((int) allowed);
                }
            }
            all.steps(20);
            assertThat(all.pending).as(what).isZero();
            assertThat(all.alone()).as(what).isZero();
            assertThat(all.passed() + all.refused).as(what).isEqualTo(all.asked);
        }
    }

    @Test
    void whatTheLimitAllowsIsMostlyUsed() {
        for (int round = 0; round < 10; round++) {
            SimulatedSharing all = new SimulatedSharing(3, new TokenBucket(1000, SECOND, 100), random);
            long key = anyKey(random);
            for (int millis = 0; millis < 2000; millis++) {
                for (int i = 0; i < 6; i++) {
                    all.nodes.get(random.nextInt(3)).ask(key);
                }
                all.step();
            }
            assertThat(all.passed(key)).as("seed %d of 2100", seed).isBetween(1900, 2100);
        }
    }

    @Test
    void manyRequestsNeedFewQuestionsAndMostDoNotWait() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(1_000_000, SECOND, 1_000_000), random);
        long key = ownedBy(all, 1);
        for (int millis = 0; millis < 1000; millis++) {
            for (int i = 0; i < 10; i++) {
                all.nodes.getFirst().ask(key);
            }
            all.step();
        }
        assertThat(all.passed(key)).isEqualTo(10_000);
        assertThat(all.nodes.getFirst().counter("decisions", "allowance")).isGreaterThan(9_800);
    }

    @Test
    void aWindowIsSharedToo() {
        SimulatedSharing all = new SimulatedSharing(3, new SlidingWindow(50, HOUR), random);
        long key = anyKey(random);
        for (int i = 0; i < 200; i++) {
            all.nodes.get(i % 3).ask(key);
            all.step();
        }
        all.steps(20);
        assertThat(all.passed(key)).as("seed %d", seed).isBetween(40, 50);
    }

    /**
     * Whatever the network does: each node that takes itself for the owner lets pass the limit, which is one while all see the same, and all
     * nodes alone together let it pass once more; for each change of the nodes that one sees, a key may start anew in both.
     */
    @Test
    void onABadNetworkNotMoreThanIsPromisedPassesAndThenAllIsWell() {
        for (int round = 0; round < ROUNDS; round++) {
            int size = 2 + random.nextInt(4);
            long requests = 1 + random.nextInt(random.nextBoolean() ? 20 : 5_000);
            long burst = 1 + random.nextLong(2 * requests);
            SimulatedSharing all = new SimulatedSharing(size, new TokenBucket(requests, SECOND, burst), random);
            long key = anyKey(random);
            int most = 1 + random.nextInt(20);
            String what = "seed %d, round %d: %d in a second, burst %d, %d nodes"
                    .formatted(seed, round, requests, burst, size);
            double allowed = 2 * burst + size;
            for (int millis = 0; millis < 1000; millis++) {
                if (random.nextInt(100) == 0) {
                    allowed += trouble(all) * (2 * burst + size);
                }
                traffic(all, key, most);
                allowed += requests / 1e3 * all.limits(key);
                assertThat(all.passed(key)).as(what).isLessThanOrEqualTo((int) allowed);
            }
            all.heal();
            all.loss = 0;
            all.leastDelay = MILLI / 10;
            all.mostDelay = MILLI;
            all.allSee();
            for (int i = 0; i < 1200; i++) {
                traffic(all, key, most);
            }
            double alone = all.alone();
            int before = all.passed(key);
            for (int i = 0; i < 500; i++) {
                traffic(all, key, most);
            }
            assertThat(all.alone()).as(what).isEqualTo(alone);
            assertThat(all.passed(key) - before).as(what).isLessThanOrEqualTo((int) (burst + requests * 0.5 + 1));
            all.steps(20);
            assertThat(all.pending).as(what).isZero();
        }
    }

    private void traffic(SimulatedSharing all, long key, int most) {
        for (int i = random.nextInt(most); i > 0; i--) {
            all.nodes.get(random.nextInt(all.nodes.size())).ask(key);
        }
        all.step();
    }

    /** Gives the number of nodes that see others than before. */
    private int trouble(SimulatedSharing all) {
        int size = all.nodes.size();
        switch (random.nextInt(5)) {
            case 0 -> all.loss = random.nextDouble() * random.nextDouble();
            case 1 -> all.mostDelay = all.leastDelay + random.nextLong(60 * MILLI);
            case 2 -> {
                int a = random.nextInt(size);
                int b = random.nextInt(size);
                if (a != b) {
                    all.cut(a, b);
                }
            }
            case 3 -> all.heal();
            default -> {
                SimulatedSharing.Node node = all.nodes.get(random.nextInt(size));
                Set<Integer> sees = new java.util.HashSet<>(Set.of(node.number));
                for (int i = 0; i < size; i++) {
                    if (random.nextInt(3) > 0) {
                        sees.add(i);
                    }
                }
                node.sees(sees);
                return 1;
            }
        }
        return 0;
    }

    @Test
    void whileTheOwnerIsAwayEachNodeHasItsPart() {
        SimulatedSharing all = new SimulatedSharing(3, new TokenBucket(30, HOUR, 30), random);
        long key = ownedBy(all, 2);
        all.cut(0, 2);
        all.cut(1, 2);
        for (int i = 0; i < 60; i++) {
            all.nodes.get(i % 2).ask(key);
            all.step();
        }
        all.steps(20);
        assertThat(all.passed(key)).isEqualTo(20);
        assertThat(SharedOutcome.retryNanos(all.lastRefusal)).isBetween(350 * SECOND, 360 * SECOND);
        // One question in 50 ms, however many requests there are.
        assertThat(all.nodes.getFirst().counter("requests", "wanted")).isLessThan(15);
        all.heal();
        all.steps(60);
        all.nodes.get(0).ask(key);
        all.nodes.get(1).ask(key);
        all.steps(60);
        double alone = all.alone();
        for (int i = 0; i < 60; i++) {
            all.nodes.get(i % 3).ask(key);
            all.step();
        }
        all.steps(20);
        assertThat(all.alone()).isEqualTo(alone);
        // What had passed alone was paid for.
        assertThat(all.passed(key)).isEqualTo(30);
    }

    @Test
    void whatPassedAloneIsNotPaidForWhenItWouldCountNoMore() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(100, SECOND, 20), random);
        long key = ownedBy(all, 1);
        all.cut(0, 1);
        for (int i = 0; i < 30; i++) {
            all.nodes.getFirst().ask(key);
        }
        all.steps(20);
        assertThat(all.passed(key)).isEqualTo(10);
        all.steps(3000);
        all.heal();
        all.nodes.getFirst().ask(key);
        all.steps(60);
        for (int i = 0; i < 20; i++) {
            all.nodes.getFirst().ask(key);
        }
        all.steps(5);
        // One that asked whether the owner is there, and all that may pass at once.
        assertThat(all.passed(key)).isEqualTo(31);
    }

    /** Counts that would be done again with each question that is answered too late, or not at all. */
    @Test
    void whatPassedAloneIsAskedForOnceWhileTheOwnerStalls() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(1000, HOUR, 1000), random);
        long key = ownedBy(all, 1);
        all.leastDelay = 600 * MILLI;
        all.mostDelay = 600 * MILLI;
        for (int i = 0; i < 100; i++) {
            all.nodes.getFirst().ask(key);
            all.steps(10);
        }
        all.leastDelay = MILLI;
        all.mostDelay = MILLI;
        all.steps(1300);
        for (int i = 0; i < 3; i++) {
            all.nodes.getFirst().ask(key);
            all.steps(60);
        }
        assertThat(all.passed(key)).isEqualTo(103);
        // Once more for the question whose answer was lost, and one for each that asked whether the owner is there.
        assertThat(SharedOutcome.remaining(all.nodes.get(1).limit.take(key, all.clock.nanoTime(), _ -> {})))
                .isBetween(740L, 1000L - 104);
        assertThat(all.nodes.getFirst().counter("requests", "granted")).isGreaterThanOrEqualTo(100);
    }

    @Test
    void keysThatAreAskedForOnceLeaveNothingBehind() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(1000, SECOND, 1000), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        Members members = node.sharing.members();
        all.cut(0, 1);
        for (int i = 0; i < 1000; i++) {
            long key = random.nextLong();
            if (members.owner(key) != members.self()) {
                node.ask(key);
            }
        }
        assertThat(all.pending).isPositive();
        all.steps(1500);
        assertThat(all.pending).isZero();
        assertThat(node.sharing.allowances.held(node.sharing.now())).isZero();
    }

    @Test
    void aLimitThatIsGoneGivesThePlacesOfThoseThatWaitBack() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(1000, HOUR, 1000), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        node.ask(ownedBy(all, 1));
        node.limit.close();
        assertThat(node.sharing.allowances.held(node.sharing.now())).isZero();
        all.steps(20);
        assertThat(all.pending).isZero();
    }

    @Test
    void whatIsOwedKeepsItsPlace() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(30, HOUR, 30), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        all.cut(0, 1);
        node.ask(ownedBy(all, 1));
        all.steps(1500);
        assertThat(node.sharing.allowances.held(node.sharing.now())).isOne();
    }

    @Test
    void aNodeThatComesAndGoesDoesNotHaveThePartsBeginAnew() {
        SimulatedSharing all = new SimulatedSharing(3, new TokenBucket(30, HOUR, 30), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        long key = ownedBy(all, 2);
        all.cut(0, 2);
        for (int round = 0; round < 4; round++) {
            node.sees(round % 2 == 0 ? Set.of(0, 1, 2) : Set.of(0, 2));
            for (int i = 0; i < 20; i++) {
                node.ask(key);
            }
            all.steps(20);
        }
        // A third and a half, once.
        assertThat(all.passed(key)).isEqualTo(10 + 15);
    }

    @Test
    void aSlowOwnerIsNotCountedTwice() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(100, HOUR, 100), random);
        long key = ownedBy(all, 1);
        all.leastDelay = 10 * MILLI;
        all.mostDelay = 10 * MILLI;
        for (int i = 0; i < 10; i++) {
            all.nodes.getFirst().ask(key);
        }
        all.steps(40);
        assertThat(all.passed(key)).isEqualTo(10);
        // The answer came late, and paid for what had passed meanwhile.
        assertThat(SharedOutcome.remaining(all.nodes.get(1).limit.take(key, all.clock.nanoTime(), _ -> {})))
                .isEqualTo(89);
        assertThat(all.alone()).isEqualTo(10);
    }

    @Test
    void nodesThatDoNotMeanTheSameDoNotCountTogether() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(10, HOUR, 10), random);
        SimulatedSharing.Node owner = all.nodes.get(1);
        long key = ownedBy(all, 1);
        owner.limit.close();
        Algorithm other = new TokenBucket(20, HOUR, 20);
        owner.limit = owner.sharing.limit(new Limiter(other, 0, owner.budget), owner.budget, List.of("limit", 2));
        for (int i = 0; i < 30; i++) {
            all.nodes.getFirst().ask(key);
            all.step();
        }
        all.steps(20);
        // Its part of ten.
        assertThat(all.passed(key)).isEqualTo(5);
        owner.limit.close();
        owner.limit = owner.sharing.limit(
                new Limiter(new TokenBucket(10, HOUR, 10), 0, owner.budget), owner.budget, List.of("limit", 1));
        all.steps(60);
        for (int i = 0; i < 30; i++) {
            all.nodes.getFirst().ask(key);
            all.step();
        }
        all.steps(20);
        // What had passed alone was paid for.
        assertThat(all.passed(key)).isEqualTo(10);
    }

    @Test
    void anOwnerThatGoesIsFollowedByAnotherOne() {
        SimulatedSharing all = new SimulatedSharing(3, new TokenBucket(30, HOUR, 30), random);
        long key = ownedBy(all, 2);
        for (int i = 0; i < 60; i++) {
            all.nodes.get(i % 3).ask(key);
            all.step();
        }
        assertThat(all.passed(key)).isEqualTo(30);
        all.cut(0, 2);
        all.cut(1, 2);
        all.nodes.get(0).sees(Set.of(0, 1));
        all.nodes.get(1).sees(Set.of(0, 1));
        all.steps(1100);
        double alone = all.alone();
        for (int i = 0; i < 80; i++) {
            all.nodes.get(i % 2).ask(key);
            all.step();
        }
        all.steps(20);
        assertThat(all.passed(key)).isEqualTo(60);
        assertThat(all.alone()).isEqualTo(alone);
    }

    @Test
    void requestsThatWaitForANodeThatWentAreCountedByTheNextOwner() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(30, HOUR, 30), random);
        long key = ownedBy(all, 1);
        all.nodes.getFirst().ask(key);
        assertThat(all.pending).isOne();
        all.nodes.getFirst().sees(Set.of(0));
        all.step();
        assertThat(all.pending).isZero();
        assertThat(all.passed(key)).isOne();
        assertThat(all.alone()).isZero();
    }

    @Test
    void nobodyWaitsWhenTheSharingEnds() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(30, HOUR, 30), random);
        for (int i = 0; i < 20; i++) {
            all.nodes.getFirst().ask(i * 0x9E3779B97F4A7C15L);
        }
        assertThat(all.pending).isPositive();
        all.nodes.getFirst().sharing.leave("node-0");
        assertThat(all.pending).isZero();
        assertThat(all.passed()).isEqualTo(20);
    }

    @Test
    void whoeverBeginsToWaitWhileTheSharingEndsIsDecided() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(30, HOUR, 30), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        Members before = node.sharing.members();
        long key = ownedBy(all, 1);
        int[] woken = {0};
        node.sharing.wakes(() -> woken[0]++);
        node.sharing.leave("node-0");
        assertThat(woken[0]).isOne();
        long[] outcome = {SharedOutcome.PENDING};
        assertThat(node.sharing.takeElsewhere(
                        node.limit, before, before.owner(key), key, decided -> outcome[0] = decided))
                .isEqualTo(SharedOutcome.PENDING);
        assertThat(woken[0]).isGreaterThan(1);
        boolean _ = node.sharing.round(node::send);
        assertThat(SharedOutcome.passed(outcome[0])).isTrue();
    }

    @Test
    void notMoreWaitThanMay() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(1_000_000, SECOND, 1_000_000), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        for (int i = 0; i < 20_000; i++) {
            node.ask(random.nextLong());
        }
        assertThat(all.pending).isEqualTo(4096);
        assertThat(node.counter("dropped", "waiting")).isPositive();
        assertThat(all.passed()).isEqualTo(20_000 - 4096);
        all.steps(12);
        assertThat(all.pending).isZero();
        assertThat(all.passed()).isEqualTo(20_000);
        // Batches have a bound, and all were answered.
        assertThat(node.counter("requests", "granted")).isGreaterThanOrEqualTo(4096);
    }

    @Test
    void keysBeyondTheTableCostOthersTheirAllowance() {
        SimulatedSharing all = new SimulatedSharing(2, new TokenBucket(1_000_000, SECOND, 1_000_000), random);
        SimulatedSharing.Node node = all.nodes.getFirst();
        for (int i = 0; i < 300; i++) {
            for (int request = 0; request < 1000; request++) {
                node.ask(random.nextLong());
            }
            all.step();
        }
        all.steps(20);
        assertThat(all.pending).isZero();
        assertThat(all.passed()).isEqualTo(300_000);
        assertThat(node.sharing.allowances.held(node.sharing.now())).isLessThanOrEqualTo(1 << 16);
    }
}
