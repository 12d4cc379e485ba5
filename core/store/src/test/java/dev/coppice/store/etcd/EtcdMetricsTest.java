package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.PutRequest;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EtcdMetricsTest {

    @TempDir
    Path directory;

    private static String text(Kernel kernel, MemberKeyspace keyspace) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrometheusTextFormatWriter.create()
                .write(out, EtcdMetrics.withEtcdNames(keyspace, kernel.metrics().scrape(), List.of()));
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void showsTheMainNumbersByEtcdsNames() throws Exception {
        for (int run = 1; run <= 2; run++) {
            try (Kernel kernel = Kernel.start()) {
                Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory));
                MemberKeyspace keyspace = store.memberKeyspace("etcd");
                for (String key : new String[] {"a", "b", "c", "a"}) {
                    var unused = keyspace.put(PutRequest.newBuilder()
                            .setKey(ByteString.copyFromUtf8(key))
                            .build());
                }
                var unused = keyspace.delete(DeleteRangeRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("b"))
                        .build());
                assertThat(text(kernel, keyspace))
                        .contains("\netcd_server_has_leader 1.0\n")
                        .contains("\netcd_server_leader_changes_seen_total 1.0\n")
                        .contains("\netcd_server_proposals_pending 0.0\n")
                        .contains("\netcd_debugging_mvcc_keys_total 2.0\n")
                        .contains("\netcd_debugging_mvcc_current_revision " + (1 + 5 * run) + ".0\n")
                        .contains("\netcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"}")
                        .contains("\netcd_disk_backend_commit_duration_seconds_count ")
                        .contains("\netcd_server_version{server_version=\"3.5.")
                        .doesNotContain("etcd_disk_wal_fsync_duration_seconds_count 0\n")
                        .contains("\netcd_mvcc_put_total 4.0\n")
                        .contains("\netcd_mvcc_delete_total 1.0\n")
                        .contains("\netcd_mvcc_db_total_size_in_bytes ")
                        .contains("\ncoppice_store_proposals_waiting 0.0\n")
                        .contains("\ncoppice_store_log_bytes ")
                        .doesNotContain("\ncoppice_store_log_bytes 0");
            }
        }
    }
}
