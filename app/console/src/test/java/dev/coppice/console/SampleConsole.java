package dev.coppice.console;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Table;
import dev.coppice.kernel.TableOptions;
import dev.coppice.kernel.stage.Dispatcher;
import dev.coppice.kernel.stage.Pipeline;
import dev.coppice.kernel.stage.StageOptions;
import dev.coppice.serving.Authenticator;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.ListenerOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The console on sample data, for tests and for looking at it: {@code main PORT} serves it until the process ends. The
 * token is {@code admin}; with {@code open} as second argument nobody is asked for it.
 */
final class SampleConsole implements AutoCloseable {
    final Kernel kernel = Kernel.start();
    final SampleResources resources = SampleResources.filled();
    final HttpListener listener;
    final ConsoleExtension extension;
    final SampleRequests requests = new SampleRequests();

    SampleConsole(int port, boolean open) throws Exception {
        Authenticator authenticator = exchange -> identity(exchange, open);
        listener = new HttpListener(
                kernel,
                new ListenerOptions(
                        "api", new InetSocketAddress(InetAddress.getLoopbackAddress(), port), null, 100_000, 500),
                authenticator);
        ConsoleSite site = new ConsoleSite(kernel, authenticator, "Coppice", "node-1 · 0.1.0");
        site.mountOn(listener.routes());
        Map<String, String> addresses = new LinkedHashMap<>();
        addresses.put("API", "https://127.0.0.1:7443");
        addresses.put("Console", "https://127.0.0.1:7443/console");
        addresses.put("Store (etcd)", "127.0.0.1:2379");
        addresses.put("Status pages", "http://127.0.0.1:7480");
        extension = new ConsoleExtension(
                new NodeInfo("node-1", "0.1.0", addresses), SampleCluster::status, SampleChanges::ask, requests);
        extension.start(new SampleContext(kernel, resources, site));
        Supervisor root = kernel.root();
        root.start(ChildSpec.service("listener-api", () -> listener));
        tree(root);
        pipeline(root);
        tables();
    }

    private static Identity identity(Exchange exchange, boolean open) throws Authenticator.UnauthenticatedException {
        String header = exchange.header("Authorization").orElse(open ? "Bearer admin" : "");
        return switch (header) {
            case "" -> Identity.ANONYMOUS;
            case "Bearer admin" -> new Identity("admin", "", List.of("system:masters"), Map.of());
            case "Bearer guest" -> new Identity("guest", "", List.of("system:authenticated"), Map.of());
            default -> throw new Authenticator.UnauthenticatedException("unknown token");
        };
    }

    private static void tree(Supervisor root) throws Exception {
        Supervisor areas = root.startSupervisor("areas", SupervisorOptions.DEFAULT);
        for (String area : List.of("health", "gateway", "metrics", "workloads")) {
            Supervisor supervisor = areas.startSupervisor(area, SupervisorOptions.DEFAULT);
            supervisor.start(ChildSpec.process("scheduler", SampleConsole::idle));
            supervisor.start(ChildSpec.periodic("sweep", Duration.ofSeconds(1), Duration.ofSeconds(1), () -> {}));
            Supervisor controllers = supervisor.startSupervisor("controllers", SupervisorOptions.DEFAULT);
            controllers.start(ChildSpec.process(area + "-reconciler", SampleConsole::idle));
            controllers.start(ChildSpec.process("notifier", SampleConsole::idle));
            supervisor.start(ChildSpec.process("meter", Meter::new));
        }
    }

    /** One that belongs to a process, and is full, and one that does not. */
    private void tables() {
        Table<Integer, Long> readings =
                Table.hashed(kernel, "readings", TableOptions.DEFAULT.withMaxEntries(50, TableOptions.WhenFull.REFUSE));
        readings.giveTo(kernel.find("/areas/health/scheduler").orElseThrow().ref());
        for (int i = 0; i < 50; i++) {
            readings.put(i, (long) i * i);
        }
        Table<String, Integer> ranks = Table.ordered(kernel, "ranks", TableOptions.DEFAULT);
        ranks.put("first", 1);
    }

    /** Numbers that are parsed by three workers, stored in batches, and counted. */
    private void pipeline(Supervisor root) throws Exception {
        Pipeline made = new Pipeline(kernel, "intake", Duration.ofMillis(100), dead -> {});
        AtomicInteger numbers = new AtomicInteger();
        Pipeline.Outlet<Integer> parsed = made.produce(
                        "source",
                        StageOptions.DEFAULT,
                        () -> demand -> {
                            kernel.timers().sleep(Duration.ofMillis(20));
                            return List.of(numbers.incrementAndGet());
                        },
                        (number, failure) -> {})
                .process(
                        "parse",
                        StageOptions.DEFAULT.withConcurrency(3),
                        (Integer number, Consumer<? super Integer> out) -> {
                            kernel.timers().sleep(Duration.ofMillis(30));
                            out.accept(number);
                        })
                .dispatch(new Dispatcher.Broadcast<>());
        parsed.batch("gather", 20, Duration.ofSeconds(1), number -> number % 2)
                .consume(
                        "store",
                        StageOptions.DEFAULT,
                        (list, none) -> kernel.timers().sleep(Duration.ofMillis(5)));
        parsed.consume("count", StageOptions.DEFAULT, (number, none) -> {});
        Supervisor unused = made.start(root);
        assert unused != null;
    }

    private static Behavior<String> idle() {
        return new Behavior<>() {
            @Override
            public void handle(ProcessContext<String> self, String message) {
                if (message.equals("crash")) {
                    throw new IllegalStateException("cannot reach smtp.example:25, connection refused");
                }
            }
        };
    }

    /** Counts what it handles, takes a while for it, and tells how far it is. */
    private static final class Meter implements Behavior<String> {
        private final Map<String, Integer> seen = new LinkedHashMap<>();

        @Override
        public void handle(ProcessContext<String> self, String message) throws InterruptedException {
            seen.merge(message.split(" ")[0], 1, Integer::sum);
            if (message.startsWith("slow")) {
                self.kernel().timers().sleep(Duration.ofMillis(120));
            }
            if (message.startsWith("crash")) {
                throw new IllegalStateException("cannot read " + message, new java.io.IOException("connection reset"));
            }
        }

        @Override
        public Object describe() {
            return seen;
        }
    }

    String address() {
        return "http://127.0.0.1:" + listener.address().orElseThrow().getPort();
    }

    @Override
    public void close() {
        extension.stop();
        kernel.close();
    }

    public static void main(String[] arguments) throws Exception {
        SampleConsole sample =
                new SampleConsole(Integer.parseInt(arguments[0]), arguments.length > 1 && arguments[1].equals("open"));
        sample.kernel
                .find("/areas/health/controllers/notifier")
                .orElseThrow()
                .<String>ref()
                .cast("crash");
        ProcessRef<String> meter =
                sample.kernel.find("/areas/metrics/meter").orElseThrow().ref();
        sample.kernel.root().start(ChildSpec.periodic("load", Duration.ofMillis(100), Duration.ZERO, () -> {
            for (int i = 0; i < 5; i++) {
                meter.cast("sample " + i);
            }
            if (sample.kernel.random().nextInt(8) == 0) {
                meter.cast("slow " + sample.kernel.random().nextInt(100));
            }
            if (sample.kernel.random().nextInt(200) == 0) {
                meter.cast("crash here");
            }
        }));
        System.out.println(sample.address() + "/console");
        sample.kernel.terminated().join();
    }
}
