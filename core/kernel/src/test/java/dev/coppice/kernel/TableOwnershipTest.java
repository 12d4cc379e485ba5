package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ProcessOptions.Overflow;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who has a table, as ETS's owner, heir and give_away. */
final class TableOwnershipTest extends ProcessFixture {
    private static final Note YOURS = new Note("yours");

    private Table<String, Integer> table() {
        Table<String, Integer> table = Table.hashed(kernel, "owned", TableOptions.DEFAULT);
        table.put("a", 1);
        return table;
    }

    /** An owner whose end and whose name are in the hands of the test. */
    private static final class ScriptedOwner implements ForeignRef<Mail> {
        private Runnable beforeName = () -> {};
        private Consumer<Down> action = down -> {};

        void end() {
            action.accept(new Down(this, NORMAL));
        }

        @Override
        public String name() {
            beforeName.run();
            return "scripted";
        }

        @Override
        public Monitor monitor(Consumer<Down> whenEnded) {
            action = whenEnded;
            return () -> {};
        }

        @Override
        public boolean alive() {
            return true;
        }

        @Override
        public void cast(Mail message) {}

        @Override
        public <R> R call(Function<Consumer<R>, Mail> message, Duration timeout) {
            throw new CallException("it answers nothing", null);
        }

        @Override
        public void exit(ExitReason reason) {}

        @Override
        public void suspend() {}

        @Override
        public void resume() {}

        @Override
        public int mailbox() {
            return 0;
        }

        @Override
        public void link(ProcessRef<?> local) {}

        @Override
        public void unlink(ProcessRef<?> local) {}
    }

    @Test
    @DisplayName("owner dies → gone: for all that use it, and for the list of tables")
    void gone() throws Exception {
        ProcessRef<Mail> owner = process();
        Table<String, Integer> table = table();
        table.giveTo(owner);
        assertThat(table.info().owner()).isEqualTo("/p0");
        owner.exit(KILL);
        eventually("gone", table::isGone);
        assertThatThrownBy(() -> table.put("b", 1)).hasMessageContaining("its owner /p0 ended");
        assertThatThrownBy(() -> table.giveTo(owner)).hasMessageContaining("its owner /p0 ended");
        eventually("not listed", () -> Table.infos(kernel, 10).isEmpty());
    }

    @Test
    @DisplayName("owner dies → heir, who hears of it; then the heir's end is the table's")
    void heir() throws Exception {
        ProcessRef<Mail> owner = process();
        ProcessRef<Mail> heir = process();
        Table<String, Integer> table = table();
        table.giveTo(owner, heir, YOURS);
        heir.cast(new Note("before"));
        owner.exit(KILL);
        awaitLog("before", "yours");
        assertThat(table.get("a")).contains(1);
        assertThat(table.owner()).contains(heir);
        heir.exit(KILL);
        eventually("gone", table::isGone);
    }

    @ParameterizedTest
    @EnumSource(Overflow.class)
    @DisplayName("owner dies → heir: also one with a full mailbox hears of it, and holds up nobody")
    void fullHeir(Overflow overflow) throws Exception {
        ProcessRef<Mail> owner = process();
        ProcessRef<Mail> heir = process(ProcessOptions.DEFAULT.withMailbox(1, overflow));
        Table<String, Integer> table = table();
        kernel.registry().register("the heir", heir);
        table.giveTo(owner, kernel.registry().via("the heir"), YOURS);
        CountDownLatch release = hold(heir);
        eventually("room again", () -> heir.mailbox() == 0);
        heir.cast(new Note("fills it"));
        owner.exit(KILL);
        eventually("beyond its limit", () -> heir.mailbox() == 2);
        release.countDown();
        awaitLog("fills it", "yours");
    }

    @Test
    @DisplayName("owner dies → heir: one that is dead by then makes it gone")
    void deadHeir() throws Exception {
        ProcessRef<Mail> owner = process();
        ProcessRef<Mail> heir = process();
        Table<String, Integer> table = table();
        table.giveTo(owner, heir, YOURS);
        heir.exit(KILL);
        awaitDeath(heir);
        assertThat(table.isGone()).isFalse();
        owner.exit(KILL);
        eventually("gone", table::isGone);
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("give_away: the end of a former owner changes nothing, whatever it was told before")
    void formerOwner() throws Exception {
        ProcessRef<Mail> first = process();
        ProcessRef<Mail> second = process();
        ProcessRef<Mail> heir = process();
        Table<String, Integer> table = table();
        table.giveTo(first, heir, YOURS);
        table.giveTo(second);
        first.exit(KILL);
        awaitDeath(first);
        assertThat(table.owner()).contains(second);
        second.exit(KILL);
        eventually("gone", table::isGone);
        sync(heir);
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("give_away: to the same owner with an heir: what was said last counts")
    void sameOwner() throws Exception {
        ScriptedOwner owner = new ScriptedOwner();
        ProcessRef<Mail> heir = process();
        Table<String, Integer> table = table();
        table.giveTo(owner);
        Consumer<Down> former = owner.action;
        table.giveTo(owner, heir, YOURS);
        // The first monitor was cancelled, and happens to fire all the same.
        former.accept(new Down(owner, NORMAL));
        assertThat(table.isGone()).isFalse();
        owner.end();
        awaitLog("yours");
        assertThat(table.owner()).contains(heir);
    }

    @Test
    @DisplayName("give_away just as the owner ends: the table belongs to who was given it, or was gone before")
    void givenWhileTheOwnerEnds() throws Exception {
        ScriptedOwner ending = new ScriptedOwner();
        ProcessRef<Mail> next = process();
        Table<String, Integer> table = table();
        table.giveTo(ending);
        boolean[] given = new boolean[1];
        ending.beforeName = () -> {
            ending.beforeName = () -> {};
            table.giveTo(next);
            given[0] = true;
        };
        ending.end();
        if (given[0]) {
            assertThat(table.isGone()).isFalse();
            assertThat(table.owner()).contains(next);
        }
    }

    @Test
    @DisplayName("give_away just as the owner ends: whatever threads run beside each other")
    void givenBesideTheEnd() throws Exception {
        ProcessRef<Mail> heir = process(ProcessOptions.DEFAULT.withMailbox(10_000, Overflow.BLOCK));
        ProcessRef<Mail> next = process();
        for (int round = 0; round < 2_000; round++) {
            boolean inherited = round % 2 == 0;
            ScriptedOwner ending = new ScriptedOwner();
            try (Table<String, Integer> table = table()) {
                if (inherited) {
                    table.giveTo(ending, heir, YOURS);
                } else {
                    table.giveTo(ending);
                }
                CyclicBarrier together = new CyclicBarrier(2);
                List<Boolean> given = kernel.tasks(2).map(List.of(true, false), gives -> {
                    together.await();
                    if (!gives) {
                        ending.end();
                        return true;
                    }
                    try {
                        table.giveTo(next);
                        return true;
                    } catch (IllegalStateException gone) {
                        return false;
                    }
                });
                assertThat(table.isGone()).isNotEqualTo(given.getFirst());
                assertThat(inherited && table.isGone()).isFalse();
                if (given.getFirst()) {
                    assertThat(table.owner()).contains(next);
                }
            }
        }
    }
}
