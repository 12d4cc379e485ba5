package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ProcessOptions.Mode;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Links, exit signals and kills, as Erlang's link/1, exit/2 and process_flag(trap_exit, true). */
final class LinkSemanticsTest extends ProcessFixture {

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("links: processes linked, either way and in a chain, end together with the same reason")
    void together(Mode mode) throws Exception {
        ProcessRef<Mail> a = process(mode);
        ProcessRef<Mail> b = process(mode);
        ProcessRef<Mail> c = process(mode);
        run(b, self -> {
            self.link(a);
            self.link(c);
            self.link(c);
        });
        crash(a);
        awaitDeath(b);
        awaitDeath(c);
        awaitLog("terminate Crash", "terminate Crash", "terminate Crash");
        eventually("reported", () -> kernel.crashes().size() == 3);
        assertThat(kernel.crashes()).extracting(CrashReport::path).containsExactlyInAnyOrder("/p0", "/p1", "/p2");
    }

    @Test
    @DisplayName("links: a normal end does not take the linked")
    void normal() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        run(a, self -> self.link(b));
        b.cast(new Do(ProcessContext::stop));
        awaitDeath(b);
        sync(a);
        assertThat(log).containsExactly("terminate Normal");
    }

    @Test
    @DisplayName("links: the end of an unlinked process takes nobody")
    void unlinked() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        run(a, self -> {
            self.link(b);
            self.unlink(b);
        });
        crash(b);
        awaitDeath(b);
        sync(a);
    }

    @Test
    @DisplayName("links: linking the dead is an exit signal noproc")
    void noproc() throws Exception {
        ProcessRef<Mail> dead = process();
        dead.exit(KILL);
        ProcessRef<Mail> trapping = process();
        run(trapping, self -> {
            self.trapExits(exit -> new Note("exit " + word(exit.reason())));
            self.link(dead);
        });
        awaitLog("exit NoProcess");
        ProcessRef<Mail> other = process();
        other.cast(new Do(self -> self.link(dead)));
        awaitDeath(other);
        awaitLog("exit NoProcess", "terminate NoProcess");
    }

    @Test
    @DisplayName("links: an owner's end by its supervisor takes the linked, too")
    void shutdown() throws Exception {
        ProcessRef<Mail> a = process();
        ProcessRef<Mail> b = process();
        run(a, self -> self.link(b));
        kernel.root().stop("p0");
        awaitDeath(b);
        awaitLog("terminate Shutdown", "terminate Shutdown");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("trapped exits: they come as mail and say from whom")
    void trapped(Mode mode) throws Exception {
        ProcessRef<Mail> a = process(mode);
        ProcessRef<Mail> b = process(mode);
        run(a, self -> {
            self.trapExits(exit -> {
                ProcessRef<?> from = exit.from();
                return new Note("exit " + word(exit.reason()) + " of " + (from == null ? "nobody" : from.name()));
            });
            self.link(b);
        });
        crash(b);
        awaitLog("terminate Crash", "exit Crash of /p1");
        a.exit(NORMAL);
        a.exit(SHUTDOWN);
        awaitLog("terminate Crash", "exit Crash of /p1", "exit Normal of nobody", "exit Shutdown of nobody");
        sync(a);
    }

    @Test
    @DisplayName("trapped exits: they stay in order with the mail of their sender")
    void inOrder() throws Exception {
        ProcessRef<Mail> a = process();
        run(a, self -> self.trapExits(exit -> new Note("exit")));
        CountDownLatch release = hold(a);
        a.cast(new Note("before"));
        a.exit(SHUTDOWN);
        a.cast(new Note("after"));
        release.countDown();
        awaitLog("before", "exit", "after");
    }

    @Test
    @DisplayName("trapped exits: one that comes just before its process begins to trap is mail as well")
    void trappedJustInTime() throws Exception {
        ProcessRef<Mail> ref = process();
        run(ref, self -> {
            ref.exit(SHUTDOWN);
            self.trapExits(signal -> new Note("trapped " + word(signal.reason())));
        });
        sync(ref);
        assertThat(log).containsExactly("trapped Shutdown");
    }

    @Test
    @DisplayName("trapped exits: a full mailbox does not lose them")
    void fullMailbox() throws Exception {
        ProcessRef<Mail> a = process(ProcessOptions.DEFAULT.withMailbox(1, ProcessOptions.Overflow.DROP));
        CountDownLatch traps = new CountDownLatch(1);
        a.cast(new Do(self -> {
            self.trapExits(exit -> new Note("exit"));
            traps.countDown();
        }));
        traps.await();
        CountDownLatch release = hold(a);
        a.cast(new Note("fits"));
        a.cast(new Note("dropped"));
        a.exit(SHUTDOWN);
        release.countDown();
        awaitLog("fits", "exit");
    }

    @Test
    @DisplayName("an exit signal normal ends nobody; any other ends who does not trap, and interrupts its callback")
    void exitSignals() throws Exception {
        ProcessRef<Mail> a = process();
        a.exit(NORMAL);
        sync(a);
        hold(a);
        a.exit(SHUTDOWN);
        awaitDeath(a);
        awaitLog("terminate Shutdown");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("untrappable kill")
    void kill(Mode mode) throws Exception {
        ProcessRef<Mail> a = process(mode);
        run(a, self -> self.trapExits(exit -> new Note("never")));
        hold(a);
        a.exit(KILL);
        assertThat(a.alive()).isFalse();
        ProcessRef<Mail> idle = process(mode);
        run(idle, self -> self.trapExits(exit -> new Note("never")));
        idle.exit(KILL);
        assertThat(idle.alive()).isFalse();
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("untrappable kill: who is linked to the killed gets killed, which can be trapped")
    void killedIsTrappable() throws Exception {
        ProcessRef<Mail> victim = process();
        ProcessRef<Mail> trapping = process();
        ProcessRef<Mail> other = process();
        run(trapping, self -> {
            self.trapExits(exit -> new Note("exit " + word(exit.reason())));
            self.link(victim);
        });
        run(other, self -> self.link(victim));
        victim.exit(KILL);
        awaitDeath(other);
        sync(trapping);
        assertThat(log).containsExactlyInAnyOrder("exit Killed", "terminate Killed");
    }
}
