package dev.coppice.control.history;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.ControlMain;
import dev.coppice.control.request.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGKILL in the middle of writes: what was acknowledged is in the history, and nothing is there without the other. */
class JournalKillTest {
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final int WRITERS = 6;
    private static final int ROUNDS = 2;
    private static final int ENOUGH = 150;

    @TempDir
    private Path directory;

    private final HttpClient http = HttpClient.newHttpClient();

    /** An API server in a process of its own. */
    private record Running(Process process, String base, String token) {
        static Running start(Path directory) throws IOException {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path"),
                            ControlMain.class.getName(),
                            directory.toString(),
                            "0")
                    .redirectError(directory.resolveSibling("log").toFile())
                    .start();
            BufferedReader out = process.inputReader();
            String line = out.readLine();
            if (line == null) {
                throw new IOException("the server did not start; see " + directory.resolveSibling("log"));
            }
            String[] words = line.split(" ");
            return new Running(
                    process, "http://127.0.0.1:" + words[1].substring(words[1].lastIndexOf(':') + 1), words[2]);
        }
    }

    private HttpResponse<String> call(Running server, String method, String path, String type, String body)
            throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(server.base + path))
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .header("Authorization", "Bearer " + server.token)
                        .header("Content-Type", type)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void everyAcknowledgedChangeIsInTheHistory() throws Exception {
        Path data = directory.resolve("data");
        Map<String, String> acknowledged = new ConcurrentHashMap<>();
        Running server = Running.start(data);
        try {
            for (int round = 0; round < ROUNDS; round++) {
                writeUntilKilled(server, round, acknowledged);
                server = Running.start(data);
                check(server, acknowledged);
            }
        } finally {
            server.process.destroyForcibly().waitFor();
            http.close();
        }
    }

    private void writeUntilKilled(Running server, int round, Map<String, String> acknowledged) throws Exception {
        CountDownLatch enough = new CountDownLatch(ENOUGH);
        List<Thread> writers = new ArrayList<>();
        for (int w = 0; w < WRITERS; w++) {
            String name = "map-" + round + "-" + w;
            writers.add(Thread.ofVirtual().start(() -> write(server, name, acknowledged, enough)));
        }
        enough.await();
        server.process.destroyForcibly().waitFor();
        for (Thread each : writers) {
            each.join();
        }
    }

    private void write(Running server, String name, Map<String, String> acknowledged, CountDownLatch enough) {
        try {
            for (int i = 0; ; i++) {
                HttpResponse<String> answer = i == 0
                        ? call(server, "POST", MAPS, "application/json", "{\"metadata\":{\"name\":\"" + name + "\"}}")
                        : call(
                                server,
                                "PATCH",
                                MAPS + "/" + name,
                                "application/merge-patch+json",
                                "{\"data\":{\"n\":\"" + i + "\"}}");
                if (answer.statusCode() >= 300) {
                    return;
                }
                String version = Json.parse(answer.body())
                        .path("metadata")
                        .path("resourceVersion")
                        .asText();
                acknowledged.put(version, name + " " + i);
                enough.countDown();
            }
        } catch (IOException | InterruptedException e) {
            // It was killed.
        }
    }

    private void check(Running server, Map<String, String> acknowledged) throws Exception {
        Map<String, String> told = new ConcurrentHashMap<>();
        Map<String, String> newest = new ConcurrentHashMap<>();
        String next = "";
        do {
            JsonNode list = Json.parse(call(
                            server,
                            "GET",
                            "/apis/history.coppice.dev/v1/changes?resource=cm&limit=1000"
                                    + (next.isEmpty() ? "" : "&continue=" + next),
                            "application/json",
                            "")
                    .body());
            for (JsonNode change : list.path("items")) {
                String name = change.path("object").path("name").asText();
                String version = change.path("resourceVersion").asText();
                JsonNode diff = change.path("diff").path(0);
                JsonNode after = diff.path("after");
                told.put(
                        version,
                        name + " "
                                + (after.isTextual()
                                        ? after.asText()
                                        : after.path("n").asText("0")));
                newest.merge(name, version, (a, b) -> Long.parseLong(a) > Long.parseLong(b) ? a : b);
            }
            next = list.path("metadata").path("continue").asText("");
        } while (!next.isEmpty());
        assertThat(told).containsAllEntriesOf(acknowledged);
        for (JsonNode map : Json.parse(
                        call(server, "GET", MAPS, "application/json", "").body())
                .path("items")) {
            String name = map.path("metadata").path("name").asText();
            assertThat(newest)
                    .containsEntry(
                            name, map.path("metadata").path("resourceVersion").asText());
        }
    }
}
