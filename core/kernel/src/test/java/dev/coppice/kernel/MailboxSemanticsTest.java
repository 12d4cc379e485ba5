package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ProcessOptions.Mode;
import dev.coppice.kernel.ProcessOptions.Overflow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mail: its order, its bounds, continue, suspend and resume, hibernation, timers. */
final class MailboxSemanticsTest extends ProcessFixture {

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("message order per pair")
    void orderPerPair(Mode mode) throws Exception {
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
        sync(ref);
        for (List<Integer> values : seen) {
            assertThat(values).hasSize(each).isSorted();
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("continue-before-other-mail")
    void continues(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(mode);
        CountDownLatch release = hold(ref);
        ref.cast(new Do(self -> self.continueWith(new Do(again -> {
            log.add("continued");
            again.continueWith(new Note("and again"));
        }))));
        ref.cast(new Note("other"));
        release.countDown();
        awaitLog("continued", "and again", "other");
    }

    @Test
    @DisplayName("continue-before-other-mail: one per callback; from init before any mail")
    void continuesOnce() throws Exception {
        ProcessRef<Mail> ref = kernel.root()
                .startProcess(ChildSpec.<Mail>process("continuing", () -> new Behavior<>() {
                            @Override
                            public void init(ProcessContext<Mail> self) {
                                self.self().cast(new Note("mail"));
                                self.continueWith(new Note("continued"));
                            }

                            @Override
                            public void handle(ProcessContext<Mail> self, Mail message) throws Exception {
                                behavior().handle(self, message);
                            }
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
        awaitLog("continued", "mail");
        ref.cast(new Do(self -> {
            self.continueWith(new Note("one"));
            self.continueWith(new Note("two"));
        }));
        eventually("reported", () -> !kernel.crashes().isEmpty());
        assertThat(kernel.crashes().getLast().reason().toString()).contains("one per callback");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("suspend/resume keeps queued mail")
    void suspended(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(mode);
        ref.suspend();
        ref.cast(new Note("m0"));
        Thread caller = beside("call", () -> sync(ref));
        eventually("both wait", () -> ref.mailbox() == 2);
        assertThat(log).isEmpty();
        ref.resume();
        awaitEnd(caller);
        assertThat(log).containsExactly("m0", "call");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("suspend/resume: a suspended process still obeys exits, kills and its supervisor")
    void suspendedStops(Mode mode) throws Exception {
        ProcessRef<Mail> stopped = process(mode);
        stopped.suspend();
        assertThat(kernel.root().stop("p0")).isTrue();
        ProcessRef<Mail> told = process(mode);
        told.suspend();
        told.exit(SHUTDOWN);
        awaitDeath(told);
        ProcessRef<Mail> killed = process(mode);
        killed.suspend();
        killed.exit(KILL);
        assertThat(killed.alive()).isFalse();
        assertThat(log).containsExactly("terminate Shutdown", "terminate Shutdown");
    }

    @Test
    @DisplayName("hibernation is free in on-demand mode: who has no mail has no thread")
    void hibernation() throws Exception {
        ProcessRef<Mail> ref = process(Mode.ON_DEMAND);
        Supervisor.Child child = kernel.find(ref.name()).orElseThrow();
        assertThat(child.thread()).isEmpty();
        for (int i = 0; i < 3; i++) {
            Thread[] own = new Thread[1];
            run(ref, self -> own[0] = Thread.currentThread());
            eventually("without a thread", () -> child.thread().isEmpty());
            assertThat(own[0].join(SOON)).isTrue();
        }
        ProcessRef<Mail> dedicated = process(Mode.DEDICATED);
        Thread[] before = new Thread[1];
        run(dedicated, self -> before[0] = Thread.currentThread());
        run(dedicated, self -> assertThat(Thread.currentThread()).isSameAs(before[0]));
        assertThat(kernel.find(dedicated.name()).orElseThrow().thread()).contains(before[0]);
    }

    @Test
    @DisplayName("mailbox policy block: the sender waits until there is room or the receiver dies")
    void block() throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMailbox(1, Overflow.BLOCK));
        CountDownLatch release = hold(ref);
        ref.cast(new Note("m0"));
        Thread sender = beside("sent", () -> ref.cast(new Note("m1")));
        eventually("sender waits", () -> sender.getState() == Thread.State.WAITING);
        release.countDown();
        awaitEnd(sender);
        eventually("both arrived", () -> log.containsAll(List.of("m0", "m1")));

        hold(ref);
        ref.cast(new Note("m2"));
        Thread late = beside("given up", () -> ref.cast(new Note("m3")));
        eventually("sender waits", () -> late.getState() == Thread.State.WAITING);
        ref.exit(KILL);
        awaitEnd(late);
        assertThat(log).doesNotContain("m2", "m3");
        eventually("counted", () -> kernel.meters().deadLetters.get() == 2);
    }

    @Test
    @DisplayName("mailbox policy block: a process with a full mailbox does not wait for itself")
    void blockItself() throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMailbox(1, Overflow.BLOCK));
        ref.cast(new Do(self -> {
            try {
                for (int i = 0; i < 10; i++) {
                    self.self().cast(new Note("to myself"));
                }
            } catch (MailboxFullException e) {
                log.add("full");
            }
        }));
        eventually("told", () -> log.contains("full"));
        sync(ref);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("mailbox policy drop and its metric")
    void drop(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMode(mode).withMailbox(2, Overflow.DROP));
        CountDownLatch release = hold(ref);
        for (int i = 0; i < 5; i++) {
            ref.cast(new Note("m" + i));
        }
        release.countDown();
        awaitLog("m0", "m1");
        assertThat(kernel.meters().mailboxDropped.get()).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("mailbox policy reject and its metric")
    void reject(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(ProcessOptions.DEFAULT.withMode(mode).withMailbox(1, Overflow.REJECT));
        CountDownLatch release = hold(ref);
        ref.cast(new Note("m0"));
        assertThatThrownBy(() -> ref.cast(new Note("m1")))
                .isInstanceOf(MailboxFullException.class)
                .hasMessageContaining("/p0");
        assertThat(kernel.meters().mailboxDropped.get()).isEqualTo(1);
        release.countDown();
        awaitLog("m0");
    }

    @Test
    @DisplayName("mail to the dead is dropped and counted")
    void deadLetters() throws Exception {
        ProcessRef<Mail> ref = process();
        hold(ref);
        ref.cast(new Note("queued"));
        ref.exit(KILL);
        ref.cast(new Note("late"));
        eventually("counted", () -> kernel.meters().deadLetters.get() == 2);
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("mail to the dead is dropped and counted: also what waited in a suspended process")
    void deadLettersOfTheSuspended() throws Exception {
        ProcessRef<Mail> ref = process();
        ref.suspend();
        ref.cast(new Note("queued"));
        ref.cast(new Note("queued, too"));
        eventually("suspended", () -> ProcessAddress.living(ref).thread() == null);
        ref.exit(KILL);
        eventually("counted", () -> kernel.meters().deadLetters.get() == 2);
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("a timer of a process sends it mail on the kernel's clock, and dies with it")
    void sendAfter() throws Exception {
        ProcessRef<Mail> ref = process();
        run(ref, self -> {
            self.sendAfter(Duration.ofSeconds(1), new Note("one"));
            self.sendAfter(Duration.ofSeconds(2), new Note("two")).cancel();
            self.sendAfter(Duration.ofSeconds(3), new Note("three"));
        });
        clock.advance(Duration.ofSeconds(2));
        awaitLog("one");
        ref.exit(KILL);
        assertThat(clock.pending()).isZero();
    }
}
