package dev.coppice.acceptance.extension;

import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.Entity;
import dev.coppice.distribution.NodeId;
import dev.coppice.distribution.Shards;
import dev.coppice.distribution.SingletonOptions;
import dev.coppice.distribution.codec.MessageTypes;
import dev.coppice.distribution.consensus.CommandException;
import dev.coppice.distribution.consensus.ConsensusGroup;
import dev.coppice.distribution.consensus.StateMachine;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.CallException;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.serving.Exchange;
import dev.coppice.store.coordination.Grant;
import dev.coppice.store.coordination.Session;
import dev.coppice.store.coordination.SessionOptions;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Everything that lives on several nodes, each once, told what to do by requests to {@code /tellers/DO?to=NAME&cents=N} of the
 * public listener: a named process, a group, a singleton, sharded processes, a replicated ledger, a semaphore.
 */
public final class Tellers implements Extension {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int PERMITS = 2;

    sealed interface Mail {}

    record Deposit(long cents, Consumer<Long> answer) implements Mail {}

    record Saved(long cents) {}

    record Add(long cents) {}

    record Question() {}

    private static final class Account implements Entity<Mail> {
        private long cents;

        Account(@Nullable Object state) {
            cents = state instanceof Saved saved ? saved.cents : 0;
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Deposit deposit -> {
                    cents += deposit.cents;
                    deposit.answer.accept(cents);
                }
            }
        }

        @Override
        public Object handOver() {
            return new Saved(cents);
        }
    }

    /** Counts its lives on this node. */
    private final class Clerk implements Behavior<Mail> {
        @Override
        public void init(ProcessContext<Mail> self) {
            clerks.incrementAndGet();
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {}

        @Override
        public void terminate(ProcessContext<Mail> self, ExitReason reason) {
            clerks.decrementAndGet();
        }
    }

    private static final class Ledger implements StateMachine<Add, Question, Long> {
        private long cents;

        @Override
        public Long apply(Add add) {
            cents += add.cents;
            return cents;
        }

        @Override
        public Long query(Question question) {
            return cents;
        }

        @Override
        public void snapshot(OutputStream out) throws IOException {
            new DataOutputStream(out).writeLong(cents);
        }

        @Override
        public void restore(InputStream in) throws IOException {
            cents = new DataInputStream(in).readLong();
        }
    }

    private final AtomicInteger clerks = new AtomicInteger();
    private final List<String> downs = new CopyOnWriteArrayList<>();
    private final List<Grant> grants = new CopyOnWriteArrayList<>();
    private @Nullable Running running;

    private record Running(
            ExtensionContext context,
            Distribution cluster,
            Shards<Mail> accounts,
            ConsensusGroup<Add, Question, Long> ledger,
            Session session) {}

    @Override
    public String name() {
        return "tellers";
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        Distribution cluster = context.distribution();
        cluster.types().register(Mail.class, Saved.class);
        Shards<Mail> accounts = cluster.host("account", (id, state) -> new Account(state));
        cluster.groups().join("tellers", process(context, "teller"));
        cluster.singleton("clerk", Clerk::new, new SingletonOptions(2));
        Running started = new Running(
                context,
                cluster,
                accounts,
                context.consensus().open("ledger", MessageTypes.of(Add.class, Question.class), Ledger::new),
                context.coordination().open(SessionOptions.DEFAULT));
        running = started;
        var _ = context.publicRoutes().mount("/tellers", exchange -> answer(started, exchange));
    }

    private static ProcessRef<Mail> process(ExtensionContext context, String name) throws Exception {
        return context.supervisor()
                .startProcess(
                        ChildSpec.process(name, () -> new Account(null)).withRestart(ChildSpec.Restart.TEMPORARY));
    }

    private void answer(Running with, Exchange exchange) throws Exception {
        String what = exchange.path().substring("/tellers/".length());
        String to = exchange.query("to").orElse("");
        long cents = exchange.query("cents").map(Long::parseLong).orElse(0L);
        try {
            exchange.send("text/plain", does(with, what, to, cents));
        } catch (CommandException | dev.coppice.distribution.consensus.ConsensusException | CallException e) {
            exchange.status(503).send("text/plain", String.valueOf(e.getMessage()));
        }
    }

    private String does(Running with, String what, String to, long cents) throws Exception {
        Distribution cluster = with.cluster;
        return switch (what) {
            case "nodes" -> names(cluster.nodes());
            case "register" -> {
                boolean won = cluster.names().register(to, process(with.context, to), LIMIT);
                if (!won) {
                    var _ = with.context.supervisor().stop(to);
                }
                yield Boolean.toString(won);
            }
            case "home" -> cluster.names().home(to).map(NodeId::name).orElse("nowhere");
            case "local" -> Boolean.toString(with.context.supervisor().child(to).isPresent());
            case "watch" -> {
                cluster.names()
                        .via(to)
                        .monitor(down -> downs.add(down.reason().getClass().getSimpleName()));
                yield "watched";
            }
            case "downs" -> String.join(" ", downs);
            case "call" -> {
                ProcessRef<Mail> named = cluster.names().via(to);
                yield Long.toString(named.<Long>call(answer -> new Deposit(cents, answer), LIMIT));
            }
            case "deposit" -> Long.toString(with.accounts.<Long>call(to, answer -> new Deposit(cents, answer), LIMIT));
            case "accounts" -> Integer.toString(with.accounts.local());
            case "group" -> names(cluster.groups().nodes("tellers"));
            case "clerks" -> Integer.toString(clerks.get());
            case "add" -> Long.toString(with.ledger.apply(new Add(cents), LIMIT));
            case "sum" -> Long.toString(with.ledger.query(new Question(), LIMIT));
            case "leads" -> Boolean.toString(with.ledger.leading());
            case "acquire" -> {
                Optional<Grant> grant = with.session.semaphore("desk", PERMITS).acquire(Duration.ofSeconds(cents));
                grant.ifPresent(grants::add);
                yield grant.map(each -> Long.toString(each.token())).orElse("none");
            }
            case "release" -> {
                grants.removeFirst().close();
                yield "released";
            }
            default -> throw new IllegalArgumentException("what to do: " + what);
        };
    }

    private static String names(Iterable<NodeId> nodes) {
        List<String> names = new java.util.ArrayList<>();
        nodes.forEach(each -> names.add(each.name()));
        return names.stream().sorted().distinct().collect(Collectors.joining(" "));
    }

    @Override
    public void stop() {
        Running ending = running;
        if (ending != null) {
            ending.session.close();
        }
    }
}
