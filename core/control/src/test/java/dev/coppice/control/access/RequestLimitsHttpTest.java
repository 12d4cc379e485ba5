package dev.coppice.control.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.ServedApi;
import dev.coppice.control.runtime.Eventually;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One user floods the API over HTTP; others are served. */
class RequestLimitsHttpTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final int SHARE = 300;
    private static final int LIGHT = 20;

    @TempDir
    static Path directory;

    private static ServedApi api;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
        StringBuilder subjects = new StringBuilder();
        List<String> users = new ArrayList<>(List.of("heavy"));
        for (int i = 0; i < LIGHT; i++) {
            users.add("light-" + i);
        }
        for (String each : users) {
            api.user(each);
            subjects.append(subjects.isEmpty() ? "" : ",")
                    .append("{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"" + each + "\"}");
        }
        api.call(
                "POST",
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRoleBinding\",\"metadata\":{\"name\":"
                        + "\"all\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":"
                        + "\"cluster-admin\"},\"subjects\":[" + subjects + "]}");
        api.await(200, "GET", MAPS, "", "Authorization", "Bearer heavy");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static int running() {
        return (int) api.kernel().metrics().scrape(name -> name.equals("coppice_control_requests_running")).stream()
                .map(GaugeSnapshot.class::cast)
                .flatMap(gauge -> gauge.getDataPoints().stream())
                .mapToDouble(GaugeSnapshot.GaugeDataPointSnapshot::getValue)
                .sum();
    }

    /** A request that has not sent its body yet, so that it is under way. */
    private static Socket begun() throws IOException {
        URI base = URI.create(api.base());
        Socket socket = new Socket(base.getHost(), base.getPort());
        socket.setSoTimeout((int) LIMIT.toMillis());
        socket.getOutputStream()
                .write(("POST " + MAPS + " HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer heavy\r\nContent-Type:"
                                + " application/json\r\nContent-Length: 2\r\n\r\n{")
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static String head(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("it ended after: " + head);
            }
            head.append((char) next);
        }
        return head.toString();
    }

    private static String map(String name) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name + "\"}}";
    }

    @Test
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void whileOneFloodsTheOthersAreServed() throws Exception {
        List<Socket> flood = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(LIGHT)) {
            for (int i = 0; i < SHARE; i++) {
                flood.add(begun());
            }
            Eventually.eventually(LIMIT, () -> running() == SHARE);
            for (int i = 0; i < 10; i++) {
                try (Socket beyond = begun()) {
                    assertThat(head(beyond)).startsWith("HTTP/1.1 429 ").containsIgnoringCase("\r\nretry-after: 1\r\n");
                }
            }
            List<Future<List<Integer>>> answers = new ArrayList<>();
            for (int i = 0; i < LIGHT; i++) {
                String user = "light-" + i;
                answers.add(threads.submit((Callable<List<Integer>>) () -> {
                    List<Integer> codes = new ArrayList<>();
                    for (int n = 0; n < 5; n++) {
                        String[] as = {"Authorization", "Bearer " + user};
                        codes.add(
                                api.call("POST", MAPS, map(user + "-" + n), as).code());
                        codes.add(api.call("GET", MAPS + "/" + user + "-" + n, "", as)
                                .code());
                    }
                    return codes;
                }));
            }
            for (Future<List<Integer>> each : answers) {
                assertThat(each.get()).containsExactly(201, 200, 201, 200, 201, 200, 201, 200, 201, 200);
            }
            // An answer is read a moment before its request counts as over.
            Eventually.eventually(LIMIT, () -> running() == SHARE);
            for (Socket each : flood) {
                each.getOutputStream().write('}');
            }
            for (Socket each : flood) {
                assertThat(head(each)).as("what was let in is answered").doesNotStartWith("HTTP/1.1 429 ");
            }
            Eventually.eventually(LIMIT, () -> running() == 0);
            assertThat(api.call("GET", MAPS, "", "Authorization", "Bearer heavy")
                            .code())
                    .isEqualTo(200);
        } finally {
            for (Socket each : flood) {
                each.close();
            }
        }
    }
}
