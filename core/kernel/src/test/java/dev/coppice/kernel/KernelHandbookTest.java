package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Runs the worked example of processes in docs/kernel.md, and holds the page to it. */
final class KernelHandbookTest {

    // example: process
    sealed interface Mail {}

    record Deposit(long cents) implements Mail {}

    record Balance(Consumer<Long> answer) implements Mail {}

    static final class Account implements Behavior<Mail> {
        private final Table<String, Long> balances;

        Account(Table<String, Long> balances) {
            this.balances = balances;
        }

        @Override
        public void init(ProcessContext<Mail> self) {
            self.kernel().registry().register("account", self.self());
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Deposit deposit when deposit.cents < 0 -> throw new IllegalArgumentException("let it crash");
                case Deposit deposit -> Table.increment(balances, "account", deposit.cents);
                case Balance ask -> ask.answer.accept(balances.get("account").orElse(0L));
            }
        }
    }
    // end

    // example: application
    record Bank(Table<String, Long> balances) implements Application {
        @Override
        public String name() {
            return "bank";
        }

        @Override
        public ChildSpec tree(Kernel kernel) {
            return ChildSpec.supervisor(
                    "accounts", SupervisorOptions.DEFAULT, ChildSpec.process("account", () -> new Account(balances)));
        }
    }
    // end

    @Test
    void theExampleRuns() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        Consumer<String> out = lines::add;
        try (Kernel kernel = Kernel.start()) {
            // example: use
            Table<String, Long> balances = Table.hashed(kernel, "balances", TableOptions.DEFAULT);
            kernel.telemetry().subscribe("log", "kernel.child.restarted", event -> out.accept(event.name()));
            kernel.applications().start(Applications.Type.PERMANENT, new Bank(balances));

            ProcessRef<Mail> account = kernel.registry().via("account");
            account.cast(new Deposit(500));
            account.cast(new Deposit(-1)); // crashes it; its supervisor starts a new one
            // end
            eventually("restarted", () -> lines.contains("kernel.child.restarted") && account.alive());
            // example: call
            long cents = account.call(Balance::new, Duration.ofSeconds(5));
            // end
            assertThat(cents).isEqualTo(500);
        }
    }

    @Test
    void thePageShowsWhatRuns() throws Exception {
        String whole = Files.readString(Path.of("src/test/java/dev/coppice/kernel/KernelHandbookTest.java"));
        String source = whole.substring(0, whole.indexOf("    void thePageShowsWhatRuns"));
        String page = Files.readString(Path.of("../../docs/kernel.md"));
        List<String> examples = new ArrayList<>();
        int at = source.indexOf("// example: ");
        while (at >= 0) {
            int from = source.indexOf('\n', at) + 1;
            int to = source.lastIndexOf('\n', source.indexOf("// end\n", from)) + 1;
            examples.add(source.substring(from, to).stripTrailing().stripIndent());
            at = source.indexOf("// example: ", to);
        }
        assertThat(examples).hasSize(4).allSatisfy(example -> assertThat(page).contains(example));
    }
}
