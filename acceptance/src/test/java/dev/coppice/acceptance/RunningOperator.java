package dev.coppice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** {@code coppice operator}, or a gateway of its own, started by the real launcher on free ports. */
final class RunningOperator implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Process process;
    private final Path log;

    // Guarded by this.
    private final List<String> lines = new ArrayList<>();
    private final Map<String, JsonNode> newest = new HashMap<>();
    private boolean over;

    private RunningOperator(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts it; {@code data} is its directory, and its log goes beside that. */
    static RunningOperator start(Path data, List<String> command) throws IOException {
        return start(data, command, List.of("--metrics-port", "0", "--public-port", "0"));
    }

    /** Starts another process that follows an API; {@code ports} are its options for free ones. */
    static RunningOperator start(Path data, List<String> command, List<String> ports) throws IOException {
        List<String> whole = new ArrayList<>(command);
        whole.addAll(List.of("--json", "--data", data.toString()));
        whole.addAll(ports);
        Path log = data.resolveSibling(data.getFileName() + ".log");
        Process process = new ProcessBuilder(whole)
                .directory(Shell.HOME.toFile())
                .redirectError(log.toFile())
                .start();
        RunningOperator operator = new RunningOperator(process, log);
        Thread.ofPlatform().daemon().start(operator::listen);
        return operator;
    }

    private void listen() {
        try (BufferedReader said = process.inputReader()) {
            for (String line = said.readLine(); line != null; line = said.readLine()) {
                hear(line);
            }
        } catch (IOException e) {
            hear(e.toString());
        }
        synchronized (this) {
            over = true;
            notifyAll();
        }
    }

    private synchronized void hear(String line) {
        lines.add(line);
        try {
            JsonNode event = JSON.readTree(line);
            newest.put(event.path("event").asText(), event);
        } catch (IOException e) {
            // Not an event; it is shown when one is missing.
            return;
        }
        notifyAll();
    }

    /** Waits for the newest event of a sort that has a text in it. */
    synchronized JsonNode await(String event, String text) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            JsonNode known = newest.get(event);
            if (known != null && known.toString().contains(text)) {
                return known;
            }
            long left = deadline - System.nanoTime();
            if (left <= 0 || over) {
                throw new AssertionError("the operator did not say " + event + " " + text + ":\n"
                        + String.join("\n", lines) + Files.readString(log));
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    /** SIGKILL: no chance to give anything back. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** SIGTERM; the exit status. */
    int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the operator did not stop within " + LIMIT);
        }
        return process.exitValue();
    }

    @Override
    public void close() throws InterruptedException {
        int _ = stop();
    }
}
