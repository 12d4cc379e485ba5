package dev.coppice.acceptance.fault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.acceptance.Shell;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A node of the rig: a real process, started by the launcher in a network namespace and on a disk of its own. */
final class RigNode implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(10);
    /** So few that a node that was away for some seconds is sent a snapshot. */
    private static final int SNAPSHOT_ENTRIES = 400;
    /** Where rounds are short, processes live for seconds: what the second compiler takes, others wait for. */
    private static final String COMPILER = Integer.getInteger("fault.minutes", 0) > 0 ? "" : " -XX:TieredStopAtLevel=1";

    private final Network network;
    private final int number;
    private final BrokenDisk disk;
    private final Path folder;
    private final Map<String, String> environment;
    private final List<String> options;
    private final AtomicInteger endedByItself = new AtomicInteger();
    private @Nullable Process process;
    private CompletableFuture<JsonNode> ready = new CompletableFuture<>();
    private CompletableFuture<Boolean> begun = new CompletableFuture<>();
    private @Nullable Thread listener;

    RigNode(
            Network network,
            int number,
            BrokenDisk disk,
            Path folder,
            Map<String, String> environment,
            List<String> options) {
        this.network = network;
        this.number = number;
        this.disk = disk;
        this.folder = folder;
        this.environment = environment;
        this.options = options;
    }

    static String name(int number) {
        return "n" + number;
    }

    String name() {
        return name(number);
    }

    int number() {
        return number;
    }

    String address() {
        return network.address(number);
    }

    BrokenDisk disk() {
        return disk;
    }

    /** Starts the process and returns at once. */
    synchronized void start() throws IOException {
        Path clock = folder.resolve("clock");
        if (!Files.exists(clock)) {
            Files.writeString(clock, "0");
        }
        List<String> command = new ArrayList<>(List.of("env"));
        disk.environment().forEach((key, value) -> command.add(key + "=" + value));
        environment.forEach((key, value) -> command.add(key + "=" + value));
        command.add("COPPICE_JAVA_OPTIONS=-Xmx192m" + COMPILER + " -Dcoppice.test.clock-offset-file=" + clock
                + " -Dcoppice.test.snapshot-entries=" + SNAPSHOT_ENTRIES);
        command.addAll(List.of(
                Shell.HOME.resolve("coppice").toString(),
                "up",
                "--json",
                "--insecure-store",
                "--data",
                disk.data().toString(),
                "--listen",
                address(),
                "--name",
                name()));
        command.addAll(options);
        Process started = new ProcessBuilder(network.inNamespace(number, command))
                .directory(Shell.HOME.toFile())
                .redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
        process = started;
        ready = new CompletableFuture<>();
        begun = new CompletableFuture<>();
        CompletableFuture<JsonNode> announced = ready;
        CompletableFuture<Boolean> spoke = begun;
        // A read of a pipe holds the thread that carries it: five nodes would hold all that virtual threads have.
        listener = Thread.ofPlatform().daemon().start(() -> listen(started, spoke, announced));
    }

    private void listen(Process started, CompletableFuture<Boolean> spoke, CompletableFuture<JsonNode> announced) {
        try (BufferedReader lines = started.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Files.writeString(
                        log(),
                        line + "\n",
                        java.nio.file.StandardOpenOption.APPEND,
                        java.nio.file.StandardOpenOption.CREATE);
                spoke.complete(true);
                JsonNode event = JSON.readTree(line);
                if (event.path("event").asText().equals("ready")) {
                    announced.complete(event);
                }
            }
        } catch (IOException e) {
            announced.completeExceptionally(e);
        }
        spoke.complete(false);
        announced.completeExceptionally(new IOException(name() + " ended"));
    }

    /** Waits until the process says its first word: the launcher may have to make the start-up cache before. */
    void awaitBegun() {
        var unused = begun.join();
    }

    Path log() {
        return folder.resolve("log");
    }

    /** Waits as long as the limit; a node that ends by itself is started again, as a service manager does it. */
    void awaitServing(Duration limit) throws IOException, InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (true) {
            try {
                var unused = ready.get(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
                return;
            } catch (TimeoutException e) {
                throw new AssertionError(name() + " is not ready after " + limit + ":\n" + tail(), e);
            } catch (ExecutionException e) {
                restart();
            }
        }
    }

    /** Starts the process again that has ended without having been told to. */
    synchronized void restart() throws IOException {
        if (!running()) {
            endedByItself.incrementAndGet();
            start();
        }
    }

    /** How often the process ended without having been told to. */
    int endedByItself() {
        return endedByItself.get();
    }

    String tail() throws IOException {
        if (!Files.exists(log())) {
            return "";
        }
        List<String> lines = Files.readAllLines(log());
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
    }

    synchronized boolean running() {
        Process now = process;
        return now != null && now.isAlive();
    }

    /** Sends a signal, such as STOP or CONT. */
    synchronized void signal(String signal) throws IOException, InterruptedException {
        Process now = process;
        if (now != null && now.isAlive()) {
            var unused = Shell.run(LIMIT, "kill", "-" + signal, Long.toString(now.pid()));
        }
    }

    /** SIGKILL. */
    synchronized void kill() throws InterruptedException {
        Process now = process;
        if (now != null) {
            now.destroyForcibly();
            now.waitFor();
        }
    }

    /** SIGTERM, as an operator stops it. */
    synchronized void stop() throws InterruptedException {
        Process now = process;
        if (now != null) {
            now.destroy();
            if (!now.waitFor(40, TimeUnit.SECONDS)) {
                now.destroyForcibly();
                now.waitFor();
            }
        }
    }

    /** Moves what the node takes for the time of day; it looks within a tenth of a second. */
    void shiftClock(Duration offset) throws IOException {
        Files.writeString(folder.resolve("clock"), Long.toString(offset.toMillis()));
    }

    @Override
    public void close() throws IOException, InterruptedException {
        kill();
        awaitListener();
        disk.close();
    }

    /** It writes to the log, which the test's folder can only be removed without. */
    private synchronized void awaitListener() throws InterruptedException {
        Thread last = listener;
        if (last != null) {
            last.join(LIMIT);
        }
    }
}
