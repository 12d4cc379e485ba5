package dev.coppice.store.etcd;

import java.io.IOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
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

    EtcdProcess(Path directory) throws IOException {
        int client;
        int peer;
        try (ServerSocket one = new ServerSocket(0);
                ServerSocket two = new ServerSocket(0)) {
            client = one.getLocalPort();
            peer = two.getLocalPort();
        }
        endpoint = "127.0.0.1:" + client;
        process = new ProcessBuilder(
                        "etcd",
                        "--data-dir",
                        directory.toString(),
                        "--listen-client-urls",
                        "http://" + endpoint,
                        "--advertise-client-urls",
                        "http://" + endpoint,
                        "--listen-peer-urls",
                        "http://127.0.0.1:" + peer,
                        "--log-level",
                        "error")
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

    /** Asked as a load balancer would: with users, the client would have to sign in. */
    private boolean healthy() throws IOException {
        try {
            if (process.waitFor(100, TimeUnit.MILLISECONDS)) {
                return false;
            }
            HttpURLConnection connection = (HttpURLConnection)
                    URI.create("http://" + endpoint + "/health").toURL().openConnection();
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
