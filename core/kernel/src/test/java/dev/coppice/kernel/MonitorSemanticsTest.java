package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ProcessOptions.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Monitors, as Erlang's monitor/2 and demonitor/2. */
final class MonitorSemanticsTest extends ProcessFixture {

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("exactly one DOWN per monitor")
    void exactlyOne(Mode mode) throws Exception {
        ProcessRef<Mail> watched = process(mode);
        ProcessRef<Mail> watcher = process(mode);
        run(watcher, self -> {
            self.monitor(watched, down -> new Note("one " + word(down.reason())));
            self.monitor(watched, down -> new Note("two " + word(down.reason())));
        });
        watched.exit(KILL);
        watched.exit(KILL);
        sync(watcher);
        assertThat(log).containsExactlyInAnyOrder("one Killed", "two Killed");
    }

    @Test
    @DisplayName("exactly one DOWN per monitor: however many end it, and monitor it, at a time")
    void race() throws Exception {
        for (int round = 0; round < 200; round++) {
            ProcessRef<Mail> watched = process();
            AtomicInteger downs = new AtomicInteger();
            kernel.tasks(4).map(List.of(0, 1, 2, 3), which -> {
                if (which % 2 == 0) {
                    watched.exit(KILL);
                } else {
                    watched.monitor(down -> downs.incrementAndGet());
                }
                return 0;
            });
            eventually("both heard", () -> downs.get() == 2);
        }
    }

    @Test
    @DisplayName("DOWN comes after all mail that the process sent before its end")
    void lastWords() throws Exception {
        ProcessRef<Mail> watcher = process();
        ProcessRef<Mail> watched = process();
        run(watcher, self -> self.monitor(watched, down -> new Note("down " + word(down.reason()))));
        watched.cast(new Do(self -> {
            watcher.cast(new Note("last words"));
            self.stop();
        }));
        eventually("heard", () -> log.contains("down Normal"));
        assertThat(log.indexOf("last words")).isLessThan(log.indexOf("down Normal"));
    }

    @Test
    @DisplayName("noproc for the dead")
    void noproc() throws Exception {
        ProcessRef<Mail> watched = process();
        watched.exit(KILL);
        watched.monitor(down -> log.add("outside " + word(down.reason())));
        run(process(), self -> self.monitor(watched, down -> new Note("inside " + word(down.reason()))));
        awaitLog("outside NoProcess", "inside NoProcess");
    }

    @Test
    @DisplayName("demonitor with flush")
    void flush() throws Exception {
        ProcessRef<Mail> watched = process();
        ProcessRef<Mail> watcher = process();
        AtomicReference<Monitor> monitor = new AtomicReference<>();
        run(watcher, self -> monitor.set(self.monitor(watched, down -> new Note("down"))));
        CountDownLatch release = hold(watcher);
        watched.exit(KILL);
        monitor.get().cancel();
        release.countDown();
        sync(watcher);
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("a monitor goes one way and ends with the watcher, leaving nothing behind")
    void oneWay() throws Exception {
        ProcessRef<Mail> watched = process();
        List<ProcessRef<Mail>> watchers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ProcessRef<Mail> watcher = process();
            run(watcher, self -> self.monitor(watched, down -> new Note("down")));
            watchers.add(watcher);
        }
        Relations ties = ProcessAddress.living(watched).relations();
        assertThat(ties.watched()).isEqualTo(10);
        watchers.forEach(watcher -> watcher.exit(KILL));
        assertThat(ties.watched()).isZero();
        sync(watched);
    }

    @Test
    @DisplayName("a full mailbox does not lose a DOWN")
    void fullMailbox() throws Exception {
        ProcessRef<Mail> watched = process();
        ProcessRef<Mail> watcher = process(ProcessOptions.DEFAULT.withMailbox(1, ProcessOptions.Overflow.DROP));
        CountDownLatch watches = new CountDownLatch(1);
        watcher.cast(new Do(self -> {
            self.monitor(watched, down -> new Note("down"));
            watches.countDown();
        }));
        watches.await(); // its room is free once it is handled; the figure of the mailbox may be ahead of that
        CountDownLatch release = hold(watcher);
        watcher.cast(new Note("fits"));
        watched.exit(KILL);
        release.countDown();
        awaitLog("fits", "down");
    }

    @Test
    @DisplayName("a restart is an end: the address goes on, the monitor does not")
    void restart() throws Exception {
        ProcessRef<Mail> ref = kernel.root().startProcess(ChildSpec.process("restarted", this::behavior));
        ref.monitor(down -> log.add("down " + word(down.reason())));
        ref.exit(KILL);
        eventually("restarted", () -> kernel.find("/restarted").orElseThrow().restarts() == 1);
        sync(ref);
        ref.exit(KILL);
        eventually("restarted", () -> kernel.find("/restarted").orElseThrow().restarts() == 2);
        assertThat(log).containsExactly("down Killed");
    }
}
