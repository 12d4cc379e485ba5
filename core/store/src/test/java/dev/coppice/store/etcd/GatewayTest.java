package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the JSON gateway answers what is not quite right; as a real etcd was seen to answer it. */
class GatewayTest {

    @TempDir
    Path directory;

    private record Gateway(HttpClient client, String endpoint) {

        HttpResponse<String> send(String method, String path, String body) throws Exception {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://" + endpoint + path))
                            .method(method, HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }

        void expect(String method, String path, String body, int status, String part) throws Exception {
            HttpResponse<String> answer = send(method, path, body);
            assertThat(answer.body()).as("%s %s %s", method, path, body).contains(part);
            assertThat(answer.statusCode()).as("%s %s %s", method, path, body).isEqualTo(status);
        }
    }

    @Test
    void answersAsEtcdsGatewayDoes() throws Exception {
        try (EtcdServed served = new EtcdServed(directory);
                HttpClient client = HttpClient.newHttpClient()) {
            Gateway gateway = new Gateway(client, served.endpoint);
            gateway.expect("GET", "/v3/kv/range", "", 405, "Method Not Allowed\n");
            gateway.expect("GET", "/v3/watch", "", 405, "Method Not Allowed\n");
            gateway.expect("POST", "/v3/kv/nosuch", "{}", 404, "Not Found\n");
            gateway.expect("POST", "/v3", "{}", 404, "Not Found\n");
            String noKey = "{\"error\":\"etcdserver: key is not provided\",\"message\":\"etcdserver: key is not"
                    + " provided\",\"code\":3}";
            gateway.expect("POST", "/v3/kv/range", "", 400, noKey);
            gateway.expect("POST", "/v3/kv/range", "{}", 400, noKey);
            gateway.expect("POST", "/v3/kv/range", "null", 400, noKey);
            gateway.expect("POST", "/v3/kv/range", "{", 400, "\"unexpected EOF\",\"code\":3");
            gateway.expect("POST", "/v3/kv/range", "[]", 400, "\"code\":3");
            gateway.expect("POST", "/v3/kv/range", "{\"key\":\"YQ==\",\"sort_order\":\"UP\"}", 400, "\"code\":3");
            gateway.expect(
                    "POST", "/v3/kv/range", "{\"key\":\"YQ==\",\"nosuch\":{\"a\":[1]}}", 200, "\"revision\":\"1\"");
            gateway.expect(
                    "POST", "/v3/kv/range", "{\"key\":\"YQ==\",\"keysOnly\":true,\"sort_order\":2}", 200, "header");
            gateway.expect("POST", "/v3/lease/keepalive", "{", 500, "\"unexpected EOF\",\"code\":2");
            gateway.expect("POST", "/v3/lease/revoke", "{\"ID\":\"5\"}", 404, "\"code\":5");
            gateway.expect("POST", "/v3/maintenance/hashkv", "{}", 200, "\"compact_revision\":\"-1\"");
            // As in etcd, nothing may be compacted, once.
            gateway.expect("POST", "/v3/kv/compaction", "{}", 200, "header");
            gateway.expect("POST", "/v3/kv/compaction", "{}", 400, "has been compacted");
            assertThat(gateway.send("POST", "/v3/maintenance/hashkv", "{}").body())
                    .contains("\"hash\":")
                    .doesNotContain("compact_revision");
            assertThat(gateway.send("POST", "/v3/maintenance/hash", "{}").body())
                    .contains("\"hash\":")
                    .doesNotContain("compact_revision");
            gateway.expect("POST", "/v3/maintenance/defragment", "{}", 200, "{}");
            assertThat(gateway.send("GET", "/health", "").headers().firstValue("content-type"))
                    .hasValue("text/plain; charset=utf-8");
        }
    }
}
