package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ChildSpec.Restart;
import dev.coppice.kernel.ProcessOptions.Mode;
import dev.coppice.kernel.ProcessOptions.Overflow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ProcessTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    sealed interface Mail {}

    record Do(Action action) implements Mail {}

    record Note(String text) implements Mail {}

    record Ask(Consumer<String> answer) implements Mail {}

    @FunctionalInterface
    interface Action {
        void run(ProcessContext<Mail> self) throws Exception;
    }

    private final Kernel kernel = Kernel.start();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private int number;

    @AfterEach
    void close() {
        kernel.close();
    }

    private Behavior<Mail> behavior() {
        return new Behavior<>() {
            @Override
            public void handle(ProcessContext<Mail> self, Mail message) throws Exception {
                switch (message) {
                    case Do work -> work.action.run(self);
                    case Note note -> log.add(note.text);
                    case Ask ask -> ask.answer.accept("pong");
                }
            }

            @Override
            public void terminate(ProcessContext<Mail> self, ExitReason reason) {
                log.add("terminate " + reason.getClass().getSimpleName());
            }
        };
    }

    private ProcessRef<Mail> process() throws StartException {
        return process(ProcessOptions.DEFAULT);
    }

    private ProcessRef<Mail> process(ProcessOptions options) throws StartException {
        return kernel.root()
                .startProcess(ChildSpec.process("p" + number++, this::behavior, options)
                        .withRestart(Restart.TEMPORARY));
    }

    private static void crash(ProcessRef<Mail> ref) {
        ref.cast(new Do(self -> {
            throw new IllegalStateException("told to crash");
        }));
    }

    private void awaitLog(String... expected) {
        eventually("log " + List.of(expected) + " but was " + log, () -> log.equals(List.of(expected)));
    }

    /** Makes the process wait until the latch that it gives is released. */
    private static CountDownLatch hold(ProcessRef<Mail> ref) throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        ref.cast(new Do(self -> {
            held.countDown();
            release.await();
        }));
        held.await();
        return release;
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void messagesOfOneSenderArriveInOrderAndNoneIsLost(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMode(mode).withMailbox(64, Overflow.BLOCK));
        int senders = 4;
        int each = 5_000;
        List<List<Integer>> seen = new ArrayList<>();
        for (int i = 0; i < senders; i++) {
            seen.add(new ArrayList<>());
        }
        kernel.tasks(senders).map(List.of(0, 1, 2, 3), sender -> {
            for (int i = 0; i < each; i++) {
                int value = i;
                ref.cast(new Do(self -> seen.get(sender).add(value)));
            }
            return sender;
        });
        assertThat(ref.<String>call(Ask::new, SOON)).isEqualTo("pong");
        for (List<Integer> values : seen) {
            assertThat(values).hasSize(each).isSorted();
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void callAnswers(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMode(mode));
        for (int i = 0; i < 100; i++) {
            assertThat(ref.<String>call(Ask::new, SOON)).isEqualTo("pong");
        }
        assertThat(kernel.find(ref.name()).orElseThrow().handled()).isGreaterThanOrEqualTo(99);
    }

    @Test
    void aCallToADyingProcessFailsAtOnce() throws Exception {
        ProcessRef<Mail> ref = process();
        CountDownLatch release = hold(ref);
        Thread caller = Thread.ofVirtual().start(() -> {
            try {
                ref.<String>call(Ask::new, Duration.ofHours(1));
            } catch (CallException e) {
                log.add(String.valueOf(e.getMessage()));
            }
        });
        eventually("request queued", () -> ref.mailbox() == 1);
        kernel.find(ref.name()).orElseThrow().kill();
        assertThat(caller.join(SOON)).isTrue();
        awaitLog("process /p0 ended: it was killed");
        release.countDown();
    }

    @Test
    void aCallThatTheHandlerKeepsFailsWithTheCrash() throws Exception {
        ProcessRef<Mail> ref = process();
        assertThatThrownBy(() -> ref.<String>call(
                        answer -> new Do(self -> {
                            throw new IllegalStateException("inside");
                        }),
                        SOON))
                .isInstanceOf(CallException.class)
                .hasMessageContaining("it crashed")
                .hasRootCauseMessage("inside");
    }

    @Test
    void aCallToADeadProcessFails() throws Exception {
        ProcessRef<Mail> ref = process();
        crash(ref);
        eventually("dead", () -> !ref.alive());
        assertThatThrownBy(() -> ref.<String>call(Ask::new, SOON)).hasMessageContaining("is not alive");
    }

    @Test
    void aCallTimesOutOnTheKernelsClockAndItsLateReplyIsDropped() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (Kernel simulated = Kernel.start(clock, 7)) {
            ProcessRef<Mail> ref = simulated.root().startProcess(ChildSpec.process("p", this::behavior));
            AtomicReference<Consumer<String>> kept = new AtomicReference<>();
            Thread caller = Thread.ofVirtual().start(() -> {
                try {
                    ref.<String>call(answer -> new Do(self -> kept.set(answer)), Duration.ofSeconds(3));
                } catch (CallException e) {
                    log.add(String.valueOf(e.getMessage()));
                }
            });
            assertThat(clock.awaitPending(1, SOON)).isTrue();
            eventually("taken", () -> kept.get() != null);
            clock.advance(Duration.ofSeconds(3));
            assertThat(caller.join(SOON)).isTrue();
            awaitLog("process /p did not answer within PT3S");
            kept.get().accept("late");
            assertThat(simulated.meters().lateReplies.get()).isEqualTo(1);
            assertThat(clock.pending()).isZero();
        }
    }

    @Test
    void aProcessThatCallsItselfIsTold() throws Exception {
        ProcessRef<Mail> ref = process();
        ref.cast(new Do(self -> {
            try {
                ref.<String>call(Ask::new, SOON);
            } catch (CallException e) {
                log.add(String.valueOf(e.getMessage()));
            }
        }));
        awaitLog("process /p0 called itself; it would wait for ever");
    }

    @Test
    void aMonitorTellsExactlyOnce() throws Exception {
        ProcessRef<Mail> watched = process();
        ProcessRef<Mail> watcher = process();
        watcher.cast(new Do(self -> self.monitor(watched, down -> new Note("down " + down.reason()))));
        watcher.<String>call(Ask::new, SOON);
        kernel.find(watched.name()).orElseThrow().kill();
        awaitLog("down Killed[]");
        watched.exit(new ExitReason.Killed());
        watcher.<String>call(Ask::new, SOON);
        awaitLog("down Killed[]");
    }

    @Test
    void aMonitorOfADeadProcessTellsNoProcess() throws Exception {
        ProcessRef<Mail> watched = process();
        crash(watched);
        eventually("dead", () -> !watched.alive());
        log.clear();
        watched.monitor(down -> log.add("outside " + down.reason()));
        process().cast(new Do(self -> self.monitor(watched, down -> new Note("inside " + down.reason()))));
        awaitLog("outside NoProcess[]", "inside NoProcess[]");
    }

    @Test
    void demonitorFlushes() throws Exception {
        ProcessRef<Mail> watched = process();
        ProcessRef<Mail> watcher = process();
        AtomicReference<Monitor> monitor = new AtomicReference<>();
        watcher.cast(new Do(self -> monitor.set(self.monitor(watched, down -> new Note("down")))));
        CountDownLatch release = hold(watcher);
        kernel.find(watched.name()).orElseThrow().kill();
        eventually("the news waits as mail", () -> watcher.mailbox() == 1);
        monitor.get().cancel();
        release.countDown();
        watcher.<String>call(Ask::new, SOON);
        assertThat(log).isEmpty();
    }

    @Test
    void linkedProcessesEndTogether() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        a.cast(new Do(self -> self.link(b)));
        a.<String>call(Ask::new, SOON);
        crash(b);
        eventually("both dead", () -> !a.alive() && !b.alive());
        awaitLog("terminate Crash", "terminate Crash");
    }

    @Test
    void aNormalEndDoesNotTakeTheLinked() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        a.cast(new Do(self -> self.link(b)));
        a.<String>call(Ask::new, SOON);
        b.cast(new Do(ProcessContext::stop));
        eventually("b dead", () -> !b.alive());
        assertThat(a.<String>call(Ask::new, SOON)).isEqualTo("pong");
    }

    @Test
    void unlinkedProcessesDoNotEndTogether() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        a.cast(new Do(self -> {
            self.link(b);
            self.unlink(b);
        }));
        a.<String>call(Ask::new, SOON);
        crash(b);
        eventually("b dead", () -> !b.alive());
        assertThat(a.<String>call(Ask::new, SOON)).isEqualTo("pong");
    }

    @Test
    void aTrappedExitComesAsMailAndAKillCannotBeTrapped() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        a.cast(new Do(self -> {
            self.trapExits(exit -> new Note("exit " + exit.reason()));
            self.link(b);
        }));
        a.<String>call(Ask::new, SOON);
        kernel.find(b.name()).orElseThrow().kill();
        awaitLog("exit Killed[]");
        a.exit(new ExitReason.Normal());
        awaitLog("exit Killed[]", "exit Normal[]");
        assertThat(a.alive()).isTrue();
        a.exit(new ExitReason.Killed());
        assertThat(a.alive()).isFalse();
        awaitLog("exit Killed[]", "exit Normal[]");
    }

    @Test
    void anExitSignalInterruptsTheHandler() throws Exception {
        ProcessRef<Mail> a = process();
        hold(a);
        a.exit(new ExitReason.Shutdown());
        eventually("dead", () -> !a.alive());
        awaitLog("terminate Shutdown");
    }

    @Test
    void linkingTheDeadEndsTheLiving() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        kernel.find(b.name()).orElseThrow().kill();
        a.cast(new Do(self -> self.link(b)));
        awaitLog("terminate NoProcess");
    }

    @Test
    void aFullMailboxDrops() throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMailbox(2, Overflow.DROP));
        CountDownLatch release = hold(ref);
        for (int i = 0; i < 5; i++) {
            ref.cast(new Note("m" + i));
        }
        release.countDown();
        awaitLog("m0", "m1");
        assertThat(kernel.meters().mailboxDropped.get()).isEqualTo(3);
    }

    @Test
    void aFullMailboxRejects() throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMailbox(1, Overflow.REJECT));
        CountDownLatch release = hold(ref);
        ref.cast(new Note("m0"));
        assertThatThrownBy(() -> ref.cast(new Note("m1"))).isInstanceOf(MailboxFullException.class);
        release.countDown();
        awaitLog("m0");
    }

    @Test
    void aFullMailboxBlocksTheSenderUntilThereIsRoomOrTheReceiverDies() throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMailbox(1, Overflow.BLOCK));
        CountDownLatch release = hold(ref);
        ref.cast(new Note("m0"));
        Thread sender = Thread.ofVirtual().start(() -> ref.cast(new Note("m1")));
        eventually("sender waits", () -> sender.getState() == Thread.State.WAITING);
        release.countDown();
        assertThat(sender.join(SOON)).isTrue();
        awaitLog("m0", "m1");

        hold(ref);
        ref.cast(new Note("m2"));
        Thread late = Thread.ofVirtual().start(() -> ref.cast(new Note("m3")));
        eventually("sender waits", () -> late.getState() == Thread.State.WAITING);
        kernel.find(ref.name()).orElseThrow().kill();
        assertThat(late.join(SOON)).isTrue();
        awaitLog("m0", "m1");
    }

    @Test
    void aContinuationGoesBeforeOtherMail() throws Exception {
        ProcessRef<Mail> ref = process();
        CountDownLatch release = hold(ref);
        ref.cast(new Do(self -> self.continueWith(new Note("continued"))));
        ref.cast(new Note("other"));
        release.countDown();
        awaitLog("continued", "other");
    }

    @Test
    void aSuspendedProcessKeepsItsMail() throws Exception {
        ProcessRef<Mail> ref = process();
        ref.suspend();
        ref.cast(new Note("m0"));
        ref.cast(new Note("m1"));
        assertThatThrownBy(() -> ref.<String>call(Ask::new, Duration.ofMillis(50)))
                .hasMessageContaining("did not answer");
        assertThat(log).isEmpty();
        ref.resume();
        awaitLog("m0", "m1");
    }

    @Test
    void aSuspendedProcessStillStops() throws Exception {
        ProcessRef<Mail> ref = process();
        ref.suspend();
        assertThat(kernel.root().stop("p0")).isTrue();
        assertThat(log).containsExactly("terminate Shutdown");
    }

    @Test
    void sendAfterSendsOnTheKernelsClockAndDiesWithTheProcess() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (Kernel simulated = Kernel.start(clock, 7)) {
            ProcessRef<Mail> ref = simulated.root().startProcess(ChildSpec.process("p", this::behavior));
            ref.cast(new Do(self -> {
                self.sendAfter(Duration.ofSeconds(1), new Note("one"));
                self.sendAfter(Duration.ofSeconds(2), new Note("two")).cancel();
                self.sendAfter(Duration.ofSeconds(3), new Note("three"));
            }));
            ref.<String>call(Ask::new, SOON);
            clock.advance(Duration.ofSeconds(2));
            awaitLog("one");
            simulated.find("/p").orElseThrow().kill();
            assertThat(clock.pending()).isZero();
        }
    }

    @Test
    void initMayUseItsOwnAddressAndStop() throws Exception {
        ProcessRef<Mail> ref = kernel.root()
                .startProcess(ChildSpec.<Mail>process("own", () -> new Behavior<>() {
                            @Override
                            public void init(ProcessContext<Mail> self) {
                                self.self().cast(new Note("to myself"));
                                self.continueWith(new Do(ProcessContext::stop));
                            }

                            @Override
                            public void handle(ProcessContext<Mail> self, Mail message) {
                                log.add(message instanceof Note ? "note" : "continued");
                                if (!(message instanceof Note)) {
                                    self.stop();
                                }
                            }
                        })
                        .withRestart(Restart.TEMPORARY));
        eventually("ended", () -> !ref.alive());
        awaitLog("continued");
    }

    @Test
    void aNameIsUniqueAndGivenUpAtTheEnd() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        assertThat(kernel.registry().register("boss", a)).isTrue();
        assertThat(kernel.registry().register("boss", a)).isTrue();
        assertThat(kernel.registry().register("boss", b)).isFalse();
        assertThat(kernel.registry().<Mail>find("boss")).contains(a);
        a.exit(new ExitReason.Killed());
        assertThat(kernel.registry().find("boss")).isEmpty();
        assertThat(kernel.registry().register("boss", b)).isTrue();
        assertThatThrownBy(() -> kernel.registry().register("late", a)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aProcessLeavesItsGroupsAtTheEnd() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        kernel.groups().join("g", a);
        kernel.groups().join("g", b);
        kernel.groups().join("g", b);
        assertThat(kernel.groups().<Mail>members("g")).containsExactly(a, b);
        assertThat(kernel.groups().<Mail>cast("g", new Note("all"))).isEqualTo(2);
        awaitLog("all", "all");
        a.exit(new ExitReason.Killed());
        assertThat(kernel.groups().<Mail>members("g")).containsExactly(b);
        assertThat(kernel.groups().leave("g", b)).isTrue();
        assertThat(kernel.groups().names()).isEmpty();
    }

    @Test
    void aKilledHandlerThatIgnoresInterruptsIsAbandonedAndTheProcessHeals() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        AtomicInteger free = new AtomicInteger();
        ProcessRef<Mail> ref = kernel.root().startProcess(ChildSpec.process("p", this::behavior));
        ref.cast(new Do(self -> {
            stuck.countDown();
            while (free.get() == 0) {
                Thread.yield();
            }
        }));
        assertThat(stuck.await(10, TimeUnit.SECONDS)).isTrue();
        kernel.find("/p").orElseThrow().kill();
        eventually("healed", () -> kernel.find("/p").orElseThrow().restarts() == 1);
        assertThat(ref.<String>call(Ask::new, SOON)).isEqualTo("pong");
        free.set(1);
    }

    @Test
    void aHandlerThatRunsLongIsReportedOnce() throws Exception {
        ProcessRef<Mail> ref = process();
        CountDownLatch release = hold(ref);
        try (var _ = kernel.telemetry()
                .subscribe(
                        "t",
                        "kernel.handler.slow",
                        e -> log.add("slow " + e.metadata().get("path")))) {
            long now = System.nanoTime();
            for (int second = 0; second < 20; second++) {
                kernel.watchdog().look(now + Duration.ofSeconds(second).toNanos());
            }
            awaitLog("slow /p0");
        }
        assertThat(kernel.meters().handlersSlow.get()).isEqualTo(1);
        release.countDown();
    }
}
