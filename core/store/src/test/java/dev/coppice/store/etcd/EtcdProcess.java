package dev.coppice.store.etcd;

import dev.coppice.kernel.FreePorts;
import java.io.IOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Debian's etcd on a directory, and its client. */
final class EtcdProcess implements AutoCloseable {

    final String endpoint;
    private final Process process;
    private final int health;

    EtcdProcess(Path directory) throws IOException {
        this(directory, FreePorts.next(), "http");
    }

    /**
     * On a port of its own.
     *
     * @param scheme http, or https with the options that give it certificates
     */
    EtcdProcess(Path directory, int client, String scheme, String... options) throws IOException {
        endpoint = "127.0.0.1:" + client;
        List<String> command = new ArrayList<>(List.of(
                "etcd",
                "--data-dir",
                directory.toString(),
                "--listen-client-urls",
                scheme + "://" + endpoint,
                "--advertise-client-urls",
                scheme + "://" + endpoint,
                "--listen-metrics-urls",
                "http://127.0.0.1:" + (health = FreePorts.next()),
                "--listen-peer-urls",
                "http://127.0.0.1:" + FreePorts.next(),
                "--log-level",
                "error"));
        command.addAll(List.of(options));
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolveSibling("etcd.log").toFile())
                .start();
        for (int i = 0; ; i++) {
            if (healthy()) {
                return;
            }
            if (i == 300 || !process.isAlive()) {
                process.destroyForcibly();
                throw new AssertionError(
                        "etcd did not start: " + Files.readString(directory.resolveSibling("etcd.log")));
            }
        }
    }

    /** SIGKILL. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        int unused = process.waitFor();
    }

    /** Asked as a load balancer would: with users, the client would have to sign in. */
    private boolean healthy() throws IOException {
        try {
            if (process.waitFor(100, TimeUnit.MILLISECONDS)) {
                return false;
            }
            HttpURLConnection connection = (HttpURLConnection)
                    URI.create("http://127.0.0.1:" + health + "/health").toURL().openConnection();
            return connection.getResponseCode() == 200;
        } catch (ConnectException e) {
            return false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static boolean installed() {
        return Files.exists(Path.of("/usr/bin/etcd")) && Files.exists(Path.of("/usr/bin/etcdctl"));
    }

    record Answer(int status, String output) {}

    /** Runs etcdctl against an endpoint. */
    static Answer client(String endpoint, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("etcdctl", "--endpoints", endpoint));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("ETCDCTL_API", "3");
        builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        Process run = builder.start();
        run.getOutputStream().close();
        String output = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (!run.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError("etcdctl takes too long");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return new Answer(run.exitValue(), output);
    }

    /** The same, which has to go well. */
    static String ask(String endpoint, String... arguments) throws IOException {
        Answer answer = client(endpoint, arguments);
        if (answer.status() != 0) {
            throw new AssertionError(String.join(" ", arguments) + " ended with " + answer);
        }
        return answer.output();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
