package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.extension.Tellers;
import dev.coppice.control.Extension;
import dev.coppice.server.ServerOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/distribution.md promises of a net split and of killed nodes, held to by real nodes with an extension of a user. */
class DistributionFaultTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int ACCOUNTS = 40;
    private static final int KILLS = 3;

    @TempDir
    Path folder;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

    /** A jar as the build of a user's extension makes it. */
    private Path jar() throws IOException {
        Path classes = Path.of(URI.create(Tellers.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toString()));
        String packaged = Tellers.class.getPackageName().replace('.', '/');
        Path jar = folder.resolve("tellers.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file);
                Stream<Path> all = Files.list(classes.resolve(packaged))) {
            for (Path each : all.toList()) {
                out.putNextEntry(new JarEntry(packaged + "/" + each.getFileName()));
                try (InputStream in = Files.newInputStream(each)) {
                    var unused = in.transferTo(out);
                }
            }
            out.putNextEntry(new JarEntry("META-INF/services/" + Extension.class.getName()));
            out.write(Tellers.class.getName().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        return jar;
    }

    private HttpResponse<String> ask(Rig rig, int node, String what) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://" + rig.node(node).address() + ":"
                                + ServerOptions.DEFAULT_PUBLIC_PORT + "/tellers/" + what))
                        .timeout(LIMIT)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private String told(Rig rig, int node, String what) throws IOException, InterruptedException {
        HttpResponse<String> answer = ask(rig, node, what);
        assertThat(answer.statusCode())
                .as("n%d, %s: %s\n%s", node, what, answer.body(), rig.node(node).tail())
                .isEqualTo(200);
        return answer.body();
    }

    private void await(Rig rig, int node, String what, String expected) throws IOException, InterruptedException {
        long end = System.nanoTime() + LIMIT.toNanos();
        String seen = "";
        while (System.nanoTime() < end) {
            HttpResponse<String> answer = ask(rig, node, what);
            seen = answer.statusCode() + " " + answer.body();
            if (seen.equals("200 " + expected)) {
                return;
            }
            Load.pause(50);
        }
        throw new AssertionError("n" + node + ", " + what + ": expected " + expected + ", was " + seen + "\n"
                + rig.node(node).tail());
    }

    /** Waits until a number over several nodes is so large. */
    private void awaitSum(Rig rig, String what, int expected, int... nodes) throws IOException, InterruptedException {
        long end = System.nanoTime() + LIMIT.toNanos();
        int sum = -1;
        while (System.nanoTime() < end && sum != expected) {
            Load.pause(50);
            sum = 0;
            for (int node : nodes) {
                sum += Integer.parseInt(told(rig, node, what));
            }
        }
        assertThat(sum).as("%s of nodes %s", what, nodes).isEqualTo(expected);
    }

    @Test
    void splitsAndKillsGoAsPromised() throws Exception {
        try (Rig rig = Rig.start(3, folder, Map.of("COPPICE_CLASS_PATH", jar().toString()))) {
            connected(rig);
            split(rig);
            healed(rig);
            killed(rig);
        }
    }

    private void connected(Rig rig) throws Exception {
        await(rig, 0, "nodes", "n1 n2");
        await(rig, 1, "nodes", "n0 n2");
        await(rig, 2, "group", "n0 n1 n2");
        assertThat(told(rig, 0, "register?to=safe")).isEqualTo("true");
        await(rig, 2, "home?to=safe", "n0");
        assertThat(told(rig, 1, "register?to=safe")).as("a second winner").isEqualTo("false");
        assertThat(told(rig, 2, "call?to=safe&cents=5")).isEqualTo("5");
        assertThat(told(rig, 1, "call?to=safe&cents=5")).isEqualTo("10");
        told(rig, 2, "watch?to=safe");
        awaitSum(rig, "clerks", 1, 0, 1, 2);
        for (int id = 0; id < ACCOUNTS; id++) {
            for (int node = 0; node < 3; node++) {
                assertThat(told(rig, node, "deposit?to=" + id + "&cents=1")).isEqualTo(Integer.toString(node + 1));
            }
        }
        for (int node = 0; node < 3; node++) {
            assertThat(told(rig, node, "accounts")).as("accounts of n%d", node).isNotEqualTo("0");
        }
        assertThat(told(rig, 0, "add?cents=7")).isEqualTo("7");
        assertThat(told(rig, 2, "sum")).isEqualTo("7");
        assertThat(told(rig, 0, "acquire?cents=9")).isNotEqualTo("none");
        assertThat(told(rig, 1, "acquire?cents=9")).isNotEqualTo("none");
        assertThat(told(rig, 2, "acquire?cents=0")).isEqualTo("none");
    }

    private void split(Rig rig) throws Exception {
        for (int other = 1; other < 3; other++) {
            rig.network().cut(0, other);
            rig.network().cut(other, 0);
        }
        await(rig, 0, "nodes", "");
        await(rig, 1, "nodes", "n2");
        await(rig, 2, "downs", "NoConnection");
        await(rig, 1, "group", "n1 n2");
        // The permit of the node that is cut off ends with its lease, and the next in the queue gets it.
        assertThat(told(rig, 2, "acquire?cents=28")).isNotEqualTo("none");
        await(rig, 0, "clerks", "0");
        awaitSum(rig, "clerks", 1, 1, 2);
        await(rig, 1, "home?to=safe", "nowhere");
        assertThat(told(rig, 1, "register?to=safe")).isEqualTo("true");
        assertThat(told(rig, 2, "call?to=safe&cents=1")).isEqualTo("1");
        assertThat(told(rig, 0, "call?to=safe&cents=1")).isEqualTo("11");
        for (int id = 0; id < ACCOUNTS; id++) {
            told(rig, 0, "deposit?to=" + id + "&cents=1");
            told(rig, 1, "deposit?to=" + id + "&cents=1");
        }
        assertThat(told(rig, 0, "accounts")).isEqualTo(Integer.toString(ACCOUNTS));
        awaitSum(rig, "accounts", ACCOUNTS, 1, 2);
        assertThat(ask(rig, 0, "add?cents=100").statusCode()).isEqualTo(503);
        assertThat(ask(rig, 0, "sum").statusCode()).isEqualTo(503);
        await(rig, 1, "sum", "7");
        assertThat(told(rig, 2, "add?cents=1")).isEqualTo("8");
    }

    private void healed(Rig rig) throws Exception {
        rig.reconnect();
        await(rig, 0, "nodes", "n1 n2");
        await(rig, 1, "nodes", "n0 n2");
        await(rig, 2, "nodes", "n0 n1");
        await(rig, 0, "group", "n0 n1 n2");
        await(rig, 2, "group", "n0 n1 n2");
        for (int node = 0; node < 3; node++) {
            await(rig, node, "home?to=safe", "n0");
        }
        await(rig, 1, "local?to=safe", "false");
        assertThat(told(rig, 1, "call?to=safe&cents=1")).isEqualTo("12");
        awaitSum(rig, "clerks", 1, 0, 1, 2);
        for (int id = 0; id < ACCOUNTS; id++) {
            int one = Integer.parseInt(told(rig, 1, "deposit?to=" + id + "&cents=1"));
            assertThat(Integer.parseInt(told(rig, 2, "deposit?to=" + id + "&cents=1")))
                    .as("account %d is one process again", id)
                    .isEqualTo(one + 1);
        }
        awaitSum(rig, "accounts", ACCOUNTS, 0, 1, 2);
        // What the smaller side was asked for may be applied now, since its outcome was unknown.
        assertThat(Integer.parseInt(told(rig, 0, "sum"))).isIn(8, 108);
        assertThat(told(rig, 1, "downs")).isEmpty();
        assertThat(told(rig, 2, "downs")).isEqualTo("NoConnection");
    }

    /** Kills the leader of the ledger again and again while others add to it. */
    private void killed(Rig rig) throws Exception {
        long before = Long.parseLong(told(rig, 0, "sum"));
        AtomicLong acknowledged = new AtomicLong();
        AtomicLong unknown = new AtomicLong();
        AtomicBoolean over = new AtomicBoolean();
        List<String> wrong = new CopyOnWriteArrayList<>();
        try (ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                for (int node = 0; node < 3; node++) {
                    int own = node;
                    var unused = writers.submit(() -> add(rig, own, acknowledged, unknown, wrong, over));
                }
                for (int kill = 0; kill < KILLS; kill++) {
                    long goal = acknowledged.get() + 20;
                    long end = System.nanoTime() + LIMIT.toNanos();
                    while (acknowledged.get() < goal && System.nanoTime() < end) {
                        Load.pause(20);
                    }
                    assertThat(acknowledged)
                            .as("additions go on after kill %d", kill)
                            .hasValueGreaterThanOrEqualTo(goal);
                    RigNode leader = rig.node(leader(rig));
                    leader.kill();
                    leader.start();
                    leader.awaitServing(Duration.ofSeconds(60));
                    awaitAnswering(rig, rig.nodes().indexOf(leader));
                }
            } finally {
                over.set(true);
            }
        }
        assertThat(wrong).isEmpty();
        List<Long> sums = new ArrayList<>();
        for (int node = 0; node < 3; node++) {
            sums.add(Long.parseLong(told(rig, node, "sum")));
        }
        assertThat(sums).as("the ledger of each node").allMatch(sums.getFirst()::equals);
        assertThat(sums.getFirst() - before)
                .as("%d additions were acknowledged, the outcome of %d is unknown", acknowledged.get(), unknown.get())
                .isBetween(acknowledged.get(), acknowledged.get() + unknown.get());
    }

    /** The public listener is opened after the store serves. */
    private void awaitAnswering(Rig rig, int node) throws IOException, InterruptedException {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            try {
                HttpResponse<String> unused = ask(rig, node, "leads");
                return;
            } catch (ConnectException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                Load.pause(50);
            }
        }
    }

    private int leader(Rig rig) throws IOException, InterruptedException {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < end) {
            for (int node = 0; node < 3; node++) {
                if (told(rig, node, "leads").equals("true")) {
                    return node;
                }
            }
            Load.pause(50);
        }
        throw new AssertionError("nobody leads the ledger");
    }

    private void add(
            Rig rig, int node, AtomicLong acknowledged, AtomicLong unknown, List<String> wrong, AtomicBoolean over) {
        long last = 0;
        while (!over.get()) {
            try {
                HttpResponse<String> answer = ask(rig, node, "add?cents=1");
                if (answer.statusCode() != 200) {
                    unknown.incrementAndGet();
                    continue;
                }
                acknowledged.incrementAndGet();
                long sum = Long.parseLong(answer.body());
                if (sum <= last) {
                    wrong.add("n" + node + " was told " + sum + " after " + last);
                }
                last = sum;
            } catch (IOException e) {
                // The node is away.
                unknown.incrementAndGet();
                Load.pause(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
