package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.log.Command;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HealthChecksTest {

    @TempDir
    Path directory;

    private static String get(EtcdServed served, String path) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = client.send(
                    HttpRequest.newBuilder(URI.create("http://" + served.endpoint + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            return response.statusCode() + " " + response.body();
        }
    }

    private static void alarm(EtcdServed served, AlarmType alarm, AlarmRequest.AlarmAction action) {
        var unused = served.store
                .memberKeyspace("etcd")
                .propose(Command.newBuilder()
                        .setAlarm(AlarmRequest.newBuilder().setAction(action).setAlarm(alarm)));
    }

    @Test
    void answersAsEtcdDoes() throws Exception {
        try (EtcdServed served = new EtcdServed(directory)) {
            assertThat(get(served, "/health")).isEqualTo("200 {\"health\":\"true\",\"reason\":\"\"}");
            assertThat(get(served, "/livez")).isEqualTo("200 ok\n");
            assertThat(get(served, "/readyz?verbose"))
                    .startsWith("200 [+]data_corruption ok\n")
                    .endsWith("\nok\n");
            assertThat(get(served, "/readyz/linearizable_read")).isEqualTo("200 ok\n");
            assertThat(get(served, "/readyz/moon_phase")).startsWith("404 there is no such check");
            alarm(served, AlarmType.NOSPACE, AlarmRequest.AlarmAction.ACTIVATE);
            assertThat(get(served, "/health")).isEqualTo("503 {\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}");
            assertThat(get(served, "/health?exclude=NOSPACE&serializable=true")).startsWith("200 ");
            assertThat(get(served, "/readyz")).isEqualTo("200 ok\n");
            alarm(served, AlarmType.CORRUPT, AlarmRequest.AlarmAction.ACTIVATE);
            assertThat(get(served, "/readyz"))
                    .startsWith("503 [-]data_corruption failed: ALARM CORRUPT\n")
                    .endsWith("/readyz check failed\n");
            assertThat(get(served, "/livez")).isEqualTo("200 ok\n");
        }
    }
}
