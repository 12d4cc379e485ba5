package dev.coppice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A node started by the real launcher on free ports, with a data directory that outlives it. */
final class RunningCoppice implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int STOP_SECONDS = 40;

    private final Process process;
    private final Path log;
    private final JsonNode ready;

    private RunningCoppice(Process process, Path log, JsonNode ready) {
        this.process = process;
        this.log = log;
        this.ready = ready;
    }

    /** Starts a node and waits for its line {@code "event":"ready"}; what else it prints goes to {@code data/../log}. */
    static RunningCoppice up(Path data, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Shell.HOME.resolve("coppice").toString(),
                "up",
                "--json",
                "--data",
                data.toString(),
                "--etcd-port",
                "0",
                "--public-port",
                "0"));
        for (String port : List.of("--api-port", "--peer-port")) {
            if (!List.of(options).contains(port)) {
                command.addAll(List.of(port, "0"));
            }
        }
        command.addAll(List.of(options));
        Path log = data.resolveSibling(data.getFileName() + ".log");
        Process process = new ProcessBuilder(command)
                .directory(Shell.HOME.toFile())
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        BufferedReader lines = process.inputReader();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode event = JSON.readTree(line);
            switch (event.path("event").asText()) {
                case "ready" -> {
                    return new RunningCoppice(process, log, event);
                }
                case "failed" -> throw new AssertionError("coppice up failed: " + line + "\n" + Files.readString(log));
                default -> {}
            }
        }
        throw new AssertionError("coppice up ended without a line that says ready:\n" + Files.readString(log));
    }

    JsonNode ready() {
        return ready;
    }

    String api() {
        return ready.path("api").asText();
    }

    String token() {
        return ready.path("token").asText();
    }

    String etcd() {
        return ready.path("etcd").asText();
    }

    long pid() {
        return process.pid();
    }

    String log() throws IOException {
        return Files.readString(log);
    }

    /** Runs kubectl as the administrator, with the kubeconfig that the node wrote. */
    Shell.Outcome kubectl(String... arguments) throws IOException, InterruptedException {
        return kubectlWithInput(null, arguments);
    }

    Shell.Outcome kubectlWithInput(@org.jspecify.annotations.Nullable String input, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of("kubectl", "--kubeconfig", ready.path("kubeconfig").asText()));
        command.addAll(List.of(arguments));
        return Shell.run(Duration.ofSeconds(60), java.util.Map.of(), input, command);
    }

    /** Gets a path of the API as the administrator; the output is the body and, at its end, the status code. */
    Shell.Outcome get(String path) throws IOException, InterruptedException {
        return curl(path, "-H", "Authorization: Bearer " + token());
    }

    /** Runs curl on a path of the API, without credentials; the output is the body and, at its end, the status code. */
    Shell.Outcome curl(String path, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "curl", "-sS", "--cacert", ready.path("certificateAuthority").asText(), "-w", "%{http_code}"));
        command.addAll(List.of(options));
        command.add(api() + path);
        return Shell.run(Duration.ofSeconds(60), java.util.Map.of(), null, command);
    }

    /** Waits until it has ended by itself; its exit status. */
    int awaitEnd() throws InterruptedException {
        if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("coppice did not end by itself within " + STOP_SECONDS + " s");
        }
        return process.exitValue();
    }

    /** SIGKILL: no chance to clean up. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** SIGTERM, as an operator stops it. */
    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("coppice did not stop within " + STOP_SECONDS + " s of SIGTERM");
        }
    }
}
