package dev.coppice.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.CallException;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Down;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ExitSignal;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Processes of several nodes with kernels of their own, connected in this process. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class DistributionTest {
    static final Duration SOON = Duration.ofSeconds(10);

    sealed interface Mail {}

    record Note(String text) implements Mail {}

    record Number(int value) implements Mail {}

    record Ask(String what, Consumer<String> answer) implements Mail {}

    record Crash(String why) implements Mail {}

    record Finish() implements Mail {}

    record Watch(ProcessRef<Mail> other) implements Mail {}

    record Tie(ProcessRef<Mail> other) implements Mail {}

    record Untie(ProcessRef<Mail> other) implements Mail {}

    record Forward(ProcessRef<Mail> to, Mail mail) implements Mail {}

    record Ended(Down down) implements LocalMail {}

    record Exited(ExitSignal signal) implements LocalMail {}

    /** Not for travelling. */
    interface LocalMail {}

    record Unknown(String text) {}

    private Cluster cluster;
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final List<Integer> numbers = new CopyOnWriteArrayList<>();
    private final AtomicInteger made = new AtomicInteger();

    @BeforeEach
    void start() throws Exception {
        cluster = new Cluster(3, Mail.class, Tally.class);
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    record Tally(long count) {}

    private final class Worker implements Behavior<Object> {
        private final boolean traps;

        Worker(boolean traps) {
            this.traps = traps;
        }

        @Override
        public void init(ProcessContext<Object> self) {
            if (traps) {
                self.trapExits(Exited::new);
            }
        }

        @Override
        @SuppressWarnings({"unchecked", "rawtypes"})
        public void handle(ProcessContext<Object> self, Object message) throws Exception {
            switch (message) {
                case Note note -> log.add(note.text);
                case Number number -> numbers.add(number.value);
                case Ask ask when ask.what.equals("nothing") -> {}
                case Ask ask ->
                    ask.answer.accept(ask.what + " on " + self.self().name());
                case Crash crash -> throw new IllegalStateException(crash.why);
                case Finish _ -> self.stop();
                case Watch watch -> {
                    self.monitor(watch.other, Ended::new);
                    log.add("watches");
                }
                case Tie tie -> {
                    self.link(tie.other);
                    log.add("linked");
                }
                case Untie tie -> self.unlink(tie.other);
                case Forward forward -> ((ProcessRef) forward.to).cast(forward.mail);
                case Ended ended -> log.add("down " + words(ended.down.reason()));
                case Exited exited -> log.add("exit " + words(exited.signal.reason()));
                default -> throw new IllegalArgumentException("unexpected " + message);
            }
        }
    }

    private static String words(ExitReason reason) {
        return reason instanceof ExitReason.Crash crash
                ? "Crash " + crash.cause().getMessage()
                : reason.getClass().getSimpleName();
    }

    private <M> ProcessRef<M> worker(int node, boolean traps) throws Exception {
        return cluster.node(node)
                .kernel()
                .root()
                .startProcess(ChildSpec.process("w" + made.incrementAndGet(), () -> new Worker(traps))
                        .withRestart(ChildSpec.Restart.TEMPORARY));
    }

    /** A worker of one node, as another one sees it. */
    private ProcessRef<Mail> seen(int from, int on) throws Exception {
        String name = "name" + made.incrementAndGet();
        ProcessRef<Mail> local = worker(on, false);
        assertThat(cluster.node(on).distribution().names().register(name, local, SOON))
                .isTrue();
        Cluster.await(() -> cluster.node(from).distribution().names().find(name).isPresent());
        return cluster.node(from).distribution().names().<Mail>find(name).orElseThrow();
    }

    private void awaitLog(String... lines) {
        Cluster.await(() -> log.size() >= lines.length);
        assertThat(log).containsExactly(lines);
    }

    @Test
    void castsArriveInOrderOfEachSender() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        for (int i = 0; i < 20_000; i++) {
            far.cast(new Number(i));
            if (i % 500 == 499) {
                // The mailbox is bounded: whoever sends faster than is handled loses mail.
                far.<String>call(answer -> new Ask("sync", answer), SOON);
            }
        }
        Cluster.await(() -> numbers.size() == 20_000);
        for (int i = 0; i < 20_000; i++) {
            assertThat(numbers.get(i)).isEqualTo(i);
        }
    }

    @Test
    void callsAreAnsweredByTheOtherNode() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        String answer = far.call(reply -> new Ask("hello", reply), SOON);
        assertThat(answer).startsWith("hello on /w");
        assertThat(far.name()).startsWith("node1/w");
        assertThat(far.alive()).isTrue();
    }

    @Test
    void aCallThatIsNotAnsweredFailsInTimeAndLeavesNothing() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        assertThatThrownBy(() -> far.<String>call(reply -> new Ask("nothing", reply), Duration.ofMillis(50)))
                .isInstanceOf(CallException.class)
                .hasMessageContaining("did not answer within");
    }

    @Test
    void theDeathOfTheCalledProcessFailsTheCallAtOnce() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        CountDownLatch asked = new CountDownLatch(1);
        cluster.node(0)
                .kernel()
                .root()
                .start(ChildSpec.task("killer", () -> {
                            asked.await();
                            far.exit(new ExitReason.Killed());
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
        assertThatThrownBy(() -> far.<String>call(
                        reply -> {
                            asked.countDown();
                            return new Ask("nothing", reply);
                        },
                        Duration.ofSeconds(30)))
                .isInstanceOf(CallException.class)
                .hasMessageContaining("it was "); // killed, or already dead when the request came
        assertThatThrownBy(() -> far.<String>call(reply -> new Ask("hello", reply), SOON))
                .hasMessageContaining("it was not alive");
    }

    @Test
    void callsToALostNodeFailAtOnce() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        cluster.isolate(cluster.node(1));
        Cluster.await(() -> cluster.node(0).distribution().nodes().size() == 1);
        assertThatThrownBy(() -> far.<String>call(reply -> new Ask("hello", reply), SOON))
                .isInstanceOf(CallException.class)
                .hasMessageContaining("node node1 is not connected");
        assertThat(far.alive()).isFalse();
        far.cast(new Note("lost")); // dropped and counted
    }

    @Test
    void offersArriveHereAndElsewhereOrAreDropped() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        Distribution near = cluster.node(0).distribution();
        assertThat(near.offer(far, new Note("far"))).isTrue();
        awaitLog("far");
        ProcessRef<Mail> here = worker(0, false);
        assertThat(near.offer(here, new Note("here"))).isTrue();
        awaitLog("far", "here");
        cluster.isolate(cluster.node(1));
        Cluster.await(() -> near.nodes().size() == 1);
        assertThat(near.offer(far, new Note("lost"))).isFalse();
    }

    @Test
    void monitorsTellTheEndOnceWithItsReason() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        ProcessRef<Object> observer = worker(0, false);
        observer.cast(new Watch(far));
        awaitLog("watches");
        far.cast(new Crash("oops"));
        awaitLog("watches", "down Crash java.lang.IllegalStateException: oops");
        observer.cast(new Watch(far));
        awaitLog("watches", "down Crash java.lang.IllegalStateException: oops", "watches", "down NoProcess");
    }

    @Test
    void monitorsTellNoConnectionOnceAndNothingAfterTheNetIsHealed() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        ProcessRef<Object> observer = worker(0, false);
        observer.cast(new Watch(far));
        awaitLog("watches");
        cluster.isolate(cluster.node(1));
        awaitLog("watches", "down NoConnection");
        cluster.heal();
        assertThat(far.<String>call(reply -> new Ask("again", reply), SOON)).startsWith("again");
        far.cast(new Finish());
        far.monitor(down -> log.add("second " + words(down.reason())));
        Cluster.await(() -> log.size() == 3);
        assertThat(log.get(2)).isIn("second Normal", "second NoProcess");
    }

    @Test
    void aCancelledMonitorTellsNothing() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        var monitor = far.monitor(down -> log.add("never"));
        var kept = far.monitor(down -> log.add("down"));
        monitor.cancel();
        far.cast(new Finish());
        awaitLog("down");
        kept.cancel();
    }

    @Test
    void linkedProcessesOfTwoNodesEndTogether() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        ProcessRef<Object> near = worker(0, false);
        CountDownLatch ended = new CountDownLatch(1);
        near.cast(new Tie(far));
        awaitLog("linked");
        near.monitor(down -> {
            log.add("near " + words(down.reason()));
            ended.countDown();
        });
        far.cast(new Crash("oops"));
        ended.await();
        assertThat(log).contains("near Crash java.lang.IllegalStateException: oops");
    }

    @Test
    void trappedExitsOfLinkedProcessesComeAsMail() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        ProcessRef<Object> near = worker(0, true);
        near.cast(new Tie(far));
        awaitLog("linked");
        far.exit(new ExitReason.Killed());
        awaitLog("linked", "exit Killed");
        near.cast(new Tie(far));
        awaitLog("linked", "exit Killed", "linked", "exit NoProcess");
    }

    @Test
    void linksEndWithNoConnectionWhenANodeIsLost() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        ProcessRef<Object> near = worker(0, true);
        near.cast(new Tie(far));
        awaitLog("linked");
        cluster.isolate(cluster.node(1));
        awaitLog("linked", "exit NoConnection");
    }

    @Test
    void anAddressInAMessageWorksWhereItArrives() throws Exception {
        ProcessRef<Mail> first = seen(0, 1);
        ProcessRef<Mail> third = seen(0, 2);
        first.cast(new Forward(third, new Note("by node1 to node2")));
        awaitLog("by node1 to node2");
        ProcessRef<Mail> near = seen(1, 0);
        first.cast(new Forward(cluster.node(0).distribution().names().via(name(near)), new Note("home again")));
        Cluster.await(() -> log.contains("home again"));
    }

    private String name(ProcessRef<Mail> process) {
        return cluster.node(0).distribution().names().names().stream()
                .filter(each -> cluster.node(1)
                        .distribution()
                        .names()
                        .find(each)
                        .map(found -> ((ProcessRef<?>) found).equals(process))
                        .orElse(false))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aQuestionCanBeAnsweredByAThirdNode() throws Exception {
        ProcessRef<Mail> router = seen(0, 1);
        ProcessRef<Mail> target = seen(0, 2);
        String answer = router.call(reply -> new Forward(target, new Ask("routed", reply)), SOON);
        assertThat(answer).startsWith("routed on /w");
    }

    @Test
    @SuppressWarnings({"unchecked", "rawtypes"})
    void whatIsNotRegisteredIsRefusedWhereItIsSent() throws Exception {
        ProcessRef far = seen(0, 1);
        assertThatThrownBy(() -> far.cast(new Unknown("x"))).hasMessageContaining("is not registered");
    }

    @Test
    void aMessageThatIsTooLargeIsRefusedWhereItIsSent() throws Exception {
        ProcessRef<Mail> far = seen(0, 1);
        assertThatThrownBy(() -> far.cast(new Note("x".repeat(2 << 20)))).hasMessageContaining("larger than");
    }

    @Test
    void aRestartedNodeIsAnotherOne() throws Exception {
        ProcessRef<Mail> old = seen(0, 1);
        NodeId before = cluster.node(0).distribution().home(old);
        cluster.node(1).stop();
        Cluster.await(() -> cluster.node(0).distribution().nodes().size() == 1);
        cluster.node(1).start();
        cluster.awaitConnected(2);
        assertThat(cluster.node(0).distribution().nodes())
                .extracting(NodeId::name)
                .containsExactly("node1", "node2");
        assertThat(cluster.node(0).distribution().nodes()).doesNotContain(before);
        old.monitor(down -> log.add(words(down.reason())));
        awaitLog("NoConnection");
    }

    /** Also by those that were called by it and so never reached its address themselves. */
    @Test
    void aConnectedNodeIsAMemberOnceAndHasAnAddress() throws Exception {
        Cluster.await(() -> {
            cluster.nodes.forEach(each -> each.distribution().discover());
            return cluster.nodes.stream()
                    .flatMap(each -> each.distribution().members().stream())
                    .allMatch(each -> each.state() == Distribution.Member.State.SELF
                            || each.state() == Distribution.Member.State.UP && each.address() != null);
        });
        cluster.nodes.forEach(each -> assertThat(each.distribution().members())
                .extracting(member -> member.node())
                .doesNotHaveDuplicates()
                .hasSize(3));
    }

    @Test
    void nodesThatComeAndGoAreTold() throws Exception {
        cluster.node(0)
                .distribution()
                .monitorNodes(event -> log.add(
                        event.getClass().getSimpleName() + " " + event.node().name()));
        cluster.node(0)
                .kernel()
                .telemetry()
                .subscribe(
                        "test",
                        "distribution.node",
                        event -> log.add(event.name() + " " + event.metadata().get("node")));
        cluster.node(2).stop();
        Cluster.await(() -> log.containsAll(List.of("Down node2", "distribution.node.down node2")));
        assertThat(log).doesNotHaveDuplicates();
        Cluster.await(() -> cluster.node(0).distribution().members().stream()
                .map(Distribution.Member::state)
                .collect(Collectors.toSet())
                .containsAll(EnumSet.of(
                        Distribution.Member.State.SELF, Distribution.Member.State.UP, Distribution.Member.State.DOWN)));
        cluster.node(2).start();
        cluster.awaitConnected(2);
        Cluster.await(() -> log.containsAll(List.of("Up node2", "distribution.node.up node2")));
    }

    @Test
    void groupsSpanNodes() throws Exception {
        for (int i = 0; i < 3; i++) {
            cluster.node(i).distribution().groups().join("workers", worker(i, false));
        }
        Cluster.await(
                () -> cluster.node(0).distribution().groups().members("workers").size() == 3);
        cluster.node(0).distribution().groups().cast("workers", new Note("all"));
        awaitLog("all", "all", "all");
        cluster.node(1).stop();
        Cluster.await(
                () -> cluster.node(0).distribution().groups().members("workers").size() == 2);
    }

    @Test
    void aNameMovesOnWhenItsNodeStops() throws Exception {
        ProcessRef<Mail> first = worker(1, false);
        ProcessRef<Mail> second = worker(2, false);
        ProcessRef<Mail> via = cluster.node(0).distribution().names().via("boss");
        assertThatThrownBy(() -> via.<String>call(reply -> new Ask("who", reply), SOON))
                .hasMessageContaining("no process has the name boss");
        assertThat(cluster.node(1).distribution().names().register("boss", first, SOON))
                .isTrue();
        assertThat(cluster.node(2).distribution().names().register("boss", second, SOON))
                .isFalse();
        awaitHolder(via, first);
        cluster.node(1).stop();
        Cluster.await(() -> cluster.node(2).distribution().names().find("boss").isEmpty());
        assertThat(cluster.node(2).distribution().names().register("boss", second, SOON))
                .isTrue();
        awaitHolder(via, second);
    }

    @Test
    void aSingletonRunsOnceAndElsewhereWhenItsNodeStops() throws Exception {
        AtomicInteger running = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            int node = i;
            cluster.node(i).distribution().singleton("clock", () -> new Clock(node, running), SingletonOptions.DEFAULT);
        }
        ProcessRef<Mail> clock = cluster.node(0).distribution().names().via("clock");
        int first = Integer.parseInt(awaitAnswer(clock));
        assertThat(running).hasValue(1);
        cluster.node(first).stop();
        int other = first == 0 ? 1 : 0;
        ProcessRef<Mail> again = cluster.node(other).distribution().names().via("clock");
        int second = Integer.parseInt(awaitAnswer(again));
        assertThat(second).isNotEqualTo(first);
        assertThat(running).hasValue(1);
        again.cast(new Crash("oops"));
        Cluster.await(() -> log.contains("terminated " + second));
        assertThat(awaitAnswer(again)).isEqualTo(String.valueOf(second));
    }

    @Test
    void aSideWithTooFewNodesStopsItsSingleton() throws Exception {
        AtomicInteger running = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            int node = i;
            cluster.node(i).distribution().singleton("clock", () -> new Clock(node, running), new SingletonOptions(2));
        }
        int first = Integer.parseInt(
                awaitAnswer(cluster.node(0).distribution().names().via("clock")));
        cluster.isolate(cluster.node(first));
        int other = first == 0 ? 1 : 0;
        Cluster.await(() -> log.contains("terminated " + first));
        int second = Integer.parseInt(
                awaitAnswer(cluster.node(other).distribution().names().via("clock")));
        assertThat(second).isNotEqualTo(first);
        assertThat(running).hasValue(1);
    }

    /** Other nodes learn of a name a little later than the one that gave it. */
    private static void awaitHolder(ProcessRef<Mail> via, ProcessRef<Mail> holder) {
        Cluster.await(() -> {
            try {
                return via.<String>call(reply -> new Ask("who", reply), SOON).endsWith(holder.name());
            } catch (CallException e) {
                return false;
            }
        });
    }

    private static String awaitAnswer(ProcessRef<Mail> process) {
        String[] answer = new String[1];
        Cluster.await(() -> {
            try {
                answer[0] = process.call(reply -> new Ask("node", reply), SOON);
                return true;
            } catch (CallException e) {
                return false;
            }
        });
        return answer[0];
    }

    private final class Clock implements Behavior<Mail> {
        private final int node;
        private final AtomicInteger running;

        Clock(int node, AtomicInteger running) {
            this.node = node;
            this.running = running;
        }

        @Override
        public void init(ProcessContext<Mail> self) {
            running.incrementAndGet();
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Ask ask -> ask.answer.accept(String.valueOf(node));
                case Crash crash -> throw new IllegalStateException(crash.why);
                default -> {}
            }
        }

        @Override
        public void terminate(ProcessContext<Mail> self, ExitReason reason) {
            running.decrementAndGet();
            log.add("terminated " + node);
        }
    }

    private static final class Counter implements Entity<Mail> {
        private final int node;
        private long count;

        Counter(int node, @Nullable Object state) {
            this.node = node;
            this.count = state instanceof Tally tally ? tally.count : 0;
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Number number -> count += number.value;
                case Ask ask -> ask.answer.accept(node + " " + count);
                default -> throw new IllegalArgumentException();
            }
        }

        @Override
        public Object handOver() {
            return new Tally(count);
        }
    }

    @Test
    void shardedProcessesMoveWithTheirStateWhenNodesJoinAndLeave() throws Exception {
        Shards<Mail> client = cluster.node(0).distribution().shards("counter");
        cluster.node(1).distribution().<Mail>host("counter", (_, state) -> new Counter(1, state));
        Cluster.await(() -> client.owner("x").isPresent());
        for (int i = 0; i < 50; i++) {
            client.cast("id" + i, new Number(i));
        }
        for (int i = 0; i < 50; i++) {
            assertThat(client.<String>call("id" + i, reply -> new Ask("", reply), SOON))
                    .isEqualTo("1 " + i);
        }
        Shards<Mail> joined = cluster.node(2).distribution().host("counter", (_, state) -> new Counter(2, state));
        Cluster.await(() -> java.util.stream.IntStream.range(0, 50)
                .anyMatch(i -> client.owner("id" + i)
                        .map(NodeId::name)
                        .filter("node2"::equals)
                        .isPresent()));
        int moved = 0;
        for (int i = 0; i < 50; i++) {
            client.cast("id" + i, new Number(1));
            String answer = client.call("id" + i, reply -> new Ask("", reply), SOON);
            assertThat(answer).endsWith(" " + (i + 1));
            moved += answer.startsWith("2") ? 1 : 0;
        }
        assertThat(moved).isBetween(5, 45);
        assertThat(joined.local()).isEqualTo(moved);
        cluster.node(1).stop();
        for (int i = 0; i < 50; i++) {
            assertThat(client.<String>call("id" + i, reply -> new Ask("", reply), SOON))
                    .isEqualTo("2 " + (i + 1));
        }
    }
}
