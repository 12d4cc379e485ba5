package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The series that etcd's Grafana dashboard and the alert rules of its mixin select are there, and move. */
class EtcdDashboardTest {

    private static final String UNARY_PUT = "grpc_method=\"Put\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"";

    /** Selected by name alone. */
    private static final List<String> NAMES = List.of(
            "etcd_server_has_leader",
            "etcd_server_leader_changes_seen_total",
            "etcd_server_proposals_failed_total",
            "etcd_server_proposals_pending",
            "etcd_server_proposals_committed_total",
            "etcd_server_proposals_applied_total",
            "etcd_server_health_failures_total",
            "etcd_server_quota_backend_bytes",
            "etcd_mvcc_db_total_size_in_bytes",
            "etcd_mvcc_db_total_size_in_use_in_bytes",
            "etcd_disk_wal_fsync_duration_seconds_count",
            "etcd_disk_backend_commit_duration_seconds_count",
            "etcd_network_client_grpc_received_bytes_total",
            "etcd_network_client_grpc_sent_bytes_total",
            "process_resident_memory_bytes",
            "process_open_fds");

    @TempDir
    Path directory;

    private static Map<String, Double> scrape(HttpClient client, String endpoint) throws Exception {
        String text = client.send(
                        HttpRequest.newBuilder(URI.create("http://" + endpoint + "/metrics"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
        Map<String, Double> series = new TreeMap<>();
        text.lines().filter(line -> !line.startsWith("#") && !line.isBlank()).forEach(line -> {
            int end = line.lastIndexOf(' ');
            series.put(
                    line.substring(0, end),
                    Double.parseDouble(line.substring(end + 1).replace("Inf", "Infinity")));
        });
        return series;
    }

    @Test
    void whatDashboardsSelectIsThereAndMoves() throws Exception {
        try (EtcdServed served = new EtcdServed(directory);
                HttpClient client = HttpClient.newHttpClient()) {
            ManagedChannel channel = NettyChannelBuilder.forTarget(served.endpoint)
                    .usePlaintext()
                    .build();
            try {
                KVGrpc.KVBlockingStub kv = KVGrpc.newBlockingStub(channel);
                PutRequest put = PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("k"))
                        .build();
                var first = kv.put(put);
                Map<String, Double> before = scrape(client, served.endpoint);
                assertThat(before).containsKeys(NAMES.toArray(String[]::new));
                var second = kv.put(put);
                assertThat(second.getHeader().getRevision())
                        .isEqualTo(first.getHeader().getRevision() + 1);
                try {
                    var unused = kv.range(RangeRequest.getDefaultInstance());
                } catch (StatusRuntimeException refused) {
                    assertThat(refused.getStatus().getDescription()).contains("key is not provided");
                }
                Map<String, Double> after = scrape(client, served.endpoint);
                for (String moved : List.of(
                        "grpc_server_started_total{" + UNARY_PUT + "}",
                        "grpc_server_handled_total{grpc_code=\"OK\"," + UNARY_PUT + "}",
                        "grpc_server_handling_seconds_count{" + UNARY_PUT + "}",
                        "etcd_server_proposals_committed_total",
                        "etcd_server_proposals_applied_total",
                        "etcd_mvcc_put_total",
                        "etcd_disk_wal_fsync_duration_seconds_count",
                        "etcd_network_client_grpc_received_bytes_total")) {
                    assertThat(after.get(moved)).as(moved).isGreaterThan(before.get(moved));
                }
                assertThat(after.keySet())
                        .anyMatch(each -> each.startsWith("grpc_server_handled_total")
                                && each.contains("grpc_code=\"InvalidArgument\"")
                                && each.contains("grpc_method=\"Range\""));
            } finally {
                channel.shutdownNow();
            }
        }
    }
}
