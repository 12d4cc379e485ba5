package dev.coppice.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs the worked example of docs/distribution.md on two nodes, and holds the page to it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class DistributionPageTest {

    // example: process
    sealed interface Mail {}

    record Deposit(long cents) implements Mail {}

    record Balance(Consumer<Long> answer) implements Mail {}

    static final class Account implements Behavior<Mail> {
        private long cents;

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Deposit deposit -> cents += deposit.cents;
                case Balance ask -> ask.answer.accept(cents);
            }
        }
    }
    // end

    // example: entity
    record Saved(long cents) {}

    static final class ShardedAccount implements Entity<Mail> {
        private long cents;

        ShardedAccount(@Nullable Object state) {
            cents = state instanceof Saved saved ? saved.cents : 0;
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Deposit deposit -> cents += deposit.cents;
                case Balance ask -> ask.answer.accept(cents);
            }
        }

        @Override
        public Object handOver() {
            return new Saved(cents);
        }
    }
    // end

    @Test
    void theExampleRuns() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        try (Cluster cluster = new Cluster(2)) {
            Distribution here = cluster.node(0).distribution();
            Distribution there = cluster.node(1).distribution();
            Duration timeout = Duration.ofSeconds(5);
            for (Distribution node : List.of(here, there)) {
                // example: types
                node.types().register(Mail.class, Saved.class);
                // end
            }
            // example: register
            ProcessRef<Mail> account =
                    cluster.node(1).kernel().root().startProcess(ChildSpec.process("account", Account::new));
            boolean won = there.names().register("account", account, timeout);
            // end
            assertThat(won).isTrue();
            Cluster.await(() -> here.names().find("account").isPresent());
            // example: use
            ProcessRef<Mail> far = here.names().via("account");
            far.cast(new Deposit(500));
            long cents = far.call(Balance::new, timeout);
            far.monitor(down -> lines.add("down: " + down.reason()));
            // end
            assertThat(cents).isEqualTo(500);
            // example: singleton
            here.singleton("clerk", Account::new, SingletonOptions.DEFAULT);
            there.singleton("clerk", Account::new, SingletonOptions.DEFAULT);
            // end
            Cluster.await(() -> here.names().find("clerk").isPresent());
            // example: shards
            Shards<Mail> accounts = here.host("account", (id, state) -> new ShardedAccount(state));
            there.<Mail>host("account", (id, state) -> new ShardedAccount(state));
            accounts.cast("anna", new Deposit(100));
            long annas = accounts.call("anna", Balance::new, timeout);
            // end
            assertThat(annas).isEqualTo(100);
            cluster.node(1).stop();
            Cluster.await(() -> lines.size() == 1);
            assertThat(accounts.<Long>call("anna", Balance::new, timeout)).isEqualTo(100);
        }
    }

    @Test
    void thePageShowsWhatRuns() throws Exception {
        String whole = Files.readString(Path.of("src/test/java/dev/coppice/distribution/DistributionPageTest.java"));
        String source = whole.substring(0, whole.indexOf("    void thePageShowsWhatRuns"));
        String page = Files.readString(Path.of("../../docs/distribution.md"));
        List<String> examples = new ArrayList<>();
        int at = source.indexOf("// example: ");
        while (at >= 0) {
            int from = source.indexOf('\n', at) + 1;
            int to = source.lastIndexOf('\n', source.indexOf("// end\n", from)) + 1;
            examples.add(source.substring(from, to).stripTrailing().stripIndent());
            at = source.indexOf("// example: ", to);
        }
        assertThat(examples).hasSize(7).allSatisfy(example -> assertThat(page).contains(example));
    }
}
