package dev.coppice.bench;

import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.DistributionOptions;
import dev.coppice.distribution.membership.StaticStrategy;
import dev.coppice.distribution.transport.GrpcTransport;
import dev.coppice.distribution.transport.Heartbeats;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.TlsSource;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Calls and casts a second between two nodes in this process, by gRPC with TLS over loopback. Both nodes share the processors. */
public final class RemoteMail {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** What the nodes send. */
    public record Ask(String text, Consumer<String> answer) {}

    /** What the nodes send. */
    public record Note(long number, String text) {}

    private RemoteMail() {}

    private static final class Server implements Behavior<Object> {
        @Override
        public void handle(ProcessContext<Object> self, Object message) {
            if (message instanceof Ask ask) {
                ask.answer.accept(ask.text);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        int seconds = Integer.parseInt(arguments[0]);
        int rounds = Integer.parseInt(arguments[1]);
        Path directory = Files.createTempDirectory("remote-mail");
        int first = FreePorts.next();
        int second = FreePorts.next();
        try (Kernel a = Kernel.start();
                Kernel b = Kernel.start()) {
            Distribution here = node(a, "a", first, second, directory);
            Distribution there = node(b, "b", second, first, directory);
            here.types().register(Ask.class, Note.class);
            there.types().register(Ask.class, Note.class);
            while (here.nodes().isEmpty() || there.nodes().isEmpty()) {
                here.discover();
                a.timers().sleep(Duration.ofMillis(20));
            }
            ProcessRef<Object> server = b.root().startProcess(ChildSpec.process("server", Server::new));
            there.names().register("server", server, TIMEOUT);
            while (here.names().find("server").isEmpty()) {
                a.timers().sleep(Duration.ofMillis(20));
            }
            ProcessRef<Object> far = here.names().find("server").orElseThrow();
            for (int round = 1; round <= rounds; round++) {
                calls(a, far, 1, seconds, round);
                calls(a, far, 64, seconds, round);
                casts(far, seconds, round);
            }
        }
    }

    /** A node that knows one other, over TLS on loopback. */
    static Distribution node(Kernel kernel, String name, int own, int other, Path directory) throws Exception {
        TlsSource tls = CertificateAuthority.open(kernel, directory).peer(List.of("127.0.0.1"));
        GrpcTransport transport =
                new GrpcTransport(kernel, tls, Heartbeats.DEFAULT, kernel.root().executor("closing", 2));
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("peer", new InetSocketAddress("127.0.0.1", own), tls, 4 << 20, 100),
                transport.services(),
                List.of());
        var unused = kernel.root().start(ChildSpec.service("peer", () -> listener));
        return Distribution.start(
                kernel,
                kernel.root(),
                name,
                transport,
                new StaticStrategy(Set.of(InetSocketAddress.createUnresolved("127.0.0.1", other))),
                DistributionOptions.DEFAULT);
    }

    private static void calls(Kernel kernel, ProcessRef<Object> far, int clients, int seconds, int round)
            throws Exception {
        long[][] times = new long[clients][];
        CountDownLatch done = new CountDownLatch(clients);
        AtomicInteger total = new AtomicInteger();
        long start = Clock.system().nanoTime();
        long end = start + Duration.ofSeconds(seconds).toNanos();
        for (int i = 0; i < clients; i++) {
            int client = i;
            var unused = kernel.root()
                    .start(ChildSpec.task("client-" + clients + "-" + round + "-" + i, () -> {
                                long[] own = new long[1 << 20];
                                int count = 0;
                                long now = Clock.system().nanoTime();
                                while (now < end && count < own.length) {
                                    far.<String>call(answer -> new Ask("hello", answer), TIMEOUT);
                                    long after = Clock.system().nanoTime();
                                    own[count++] = after - now;
                                    now = after;
                                }
                                times[client] = Arrays.copyOf(own, count);
                                total.addAndGet(count);
                                done.countDown();
                            })
                            .withRestart(ChildSpec.Restart.TEMPORARY));
        }
        done.await();
        double took = (Clock.system().nanoTime() - start) / 1e9;
        long[] all = Arrays.stream(times).flatMapToLong(Arrays::stream).sorted().toArray();
        System.out.println(String.format(
                Locale.ROOT,
                "{\"bench\":\"distribution\",\"case\":\"call-%d\",\"round\":%d,\"calls_per_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f}",
                clients,
                round,
                total.get() / took,
                all[all.length / 2] / 1e3,
                all[(int) (all.length * 0.99)] / 1e3));
    }

    /** In runs of 500, each followed by a call: a mailbox is bounded, and so nothing is lost. */
    private static void casts(ProcessRef<Object> far, int seconds, int round) {
        long start = Clock.system().nanoTime();
        long end = start + Duration.ofSeconds(seconds).toNanos();
        long count = 0;
        while (Clock.system().nanoTime() < end) {
            for (int i = 0; i < 500; i++) {
                far.cast(new Note(count++, "hello"));
            }
            far.<String>call(answer -> new Ask("sync", answer), TIMEOUT);
        }
        double took = (Clock.system().nanoTime() - start) / 1e9;
        System.out.println(String.format(
                Locale.ROOT,
                "{\"bench\":\"distribution\",\"case\":\"cast\",\"round\":%d,\"casts_per_s\":%.0f}",
                round,
                count / took));
    }
}
