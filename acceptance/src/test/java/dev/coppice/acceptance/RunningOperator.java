package dev.coppice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code coppice operator}, started by the real launcher on free ports. What it says goes to a file. */
final class RunningOperator implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Process process;
    private final Path lines;
    private final Path log;

    private RunningOperator(Process process, Path lines, Path log) {
        this.process = process;
        this.lines = lines;
        this.log = log;
    }

    /** Starts it; {@code data} is its directory, and what it prints goes beside that. */
    static RunningOperator start(Path data, List<String> command) throws IOException {
        List<String> whole = new ArrayList<>(command);
        whole.addAll(List.of("--json", "--data", data.toString(), "--metrics-port", "0", "--public-port", "0"));
        Path lines = data.resolveSibling(data.getFileName() + ".lines");
        Path log = data.resolveSibling(data.getFileName() + ".log");
        Process process = new ProcessBuilder(whole)
                .directory(Shell.HOME.toFile())
                .redirectOutput(lines.toFile())
                .redirectError(log.toFile())
                .start();
        return new RunningOperator(process, lines, log);
    }

    /** Waits for the newest event of a sort that has a text in it. */
    JsonNode await(String event, String text) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            JsonNode newest = null;
            for (String line : Files.readAllLines(lines)) {
                if (line.endsWith("}")
                        && JSON.readTree(line).path("event").asText().equals(event)) {
                    newest = JSON.readTree(line);
                }
            }
            if (newest != null && newest.toString().contains(text)) {
                return newest;
            }
            if (System.nanoTime() > deadline || !process.isAlive()) {
                throw new AssertionError("the operator did not say " + event + " " + text + ":\n"
                        + Files.readString(lines) + Files.readString(log));
            }
            Thread.sleep(20);
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
