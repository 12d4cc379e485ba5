package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.Pem;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.remote.EtcdOptions;
import dev.coppice.store.remote.EtcdStore;
import io.grpc.Status.Code;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A keyspace that Debian's etcd keeps. */
class ExternalEtcdTest {

    @TempDir
    Path directory;

    private final Kernel kernel = Kernel.start();
    private final List<Kernel> kernels = new ArrayList<>();
    private @Nullable EtcdProcess etcd;
    private int port;

    @BeforeEach
    void begin() throws Exception {
        if (!EtcdProcess.installed()) {
            System.err.println("SKIPPED, NOT TESTED: etcd is not installed");
            Assumptions.abort("etcd is not installed");
        }
        port = FreePorts.next();
    }

    @AfterEach
    void end() {
        kernels.forEach(Kernel::close);
        kernel.close();
        if (etcd != null) {
            etcd.close();
        }
    }

    private EtcdProcess run(String scheme, String... options) throws Exception {
        EtcdProcess made = new EtcdProcess(directory.resolve("etcd"), port, scheme, options);
        etcd = made;
        return made;
    }

    private EtcdOptions options(
            String url, @Nullable Path ca, @Nullable Path pair, @Nullable String user, @Nullable Path password) {
        List<String> problems = new ArrayList<>();
        EtcdOptions options = EtcdOptions.parse(
                        url,
                        ca,
                        pair == null ? null : pair.resolve("own.crt"),
                        pair == null ? null : pair.resolve("own.key"),
                        user,
                        password,
                        problems)
                .orElse(null);
        assertThat(problems).isEmpty();
        return java.util.Objects.requireNonNull(options);
    }

    private Keyspace keyspace(EtcdOptions options) throws StartException {
        Kernel own = Kernel.start();
        kernels.add(own);
        return EtcdStore.start(own, own.root(), options, "control").keyspace();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static long put(Keyspace keyspace, String key, String value) {
        return keyspace.put(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(bytes(value))
                        .build())
                .getHeader()
                .getRevision();
    }

    private static List<String> keys(Keyspace keyspace) {
        return keyspace
                .range(RangeRequest.newBuilder()
                        .setKey(bytes("/r"))
                        .setRangeEnd(bytes("/s"))
                        .build())
                .getKvsList()
                .stream()
                .map(KeyValue::getKey)
                .map(ByteString::toStringUtf8)
                .toList();
    }

    /** What a watch tells. */
    private static final class Seen implements WatchObserver {
        private final LinkedBlockingQueue<WatchResponse> responses = new LinkedBlockingQueue<>();
        private final LinkedBlockingQueue<String> ends = new LinkedBlockingQueue<>();

        @Override
        public void response(WatchResponse response) {
            responses.add(response);
        }

        @Override
        public void closed(@Nullable Throwable error) {
            ends.add(String.valueOf(error));
        }

        WatchResponse next() throws InterruptedException {
            WatchResponse response = responses.poll(20, TimeUnit.SECONDS);
            assertThat(response).as("a response within 20 s").isNotNull();
            return java.util.Objects.requireNonNull(response);
        }

        List<String> values(int number) throws InterruptedException {
            List<String> values = new ArrayList<>();
            while (values.size() < number) {
                next().getEventsList()
                        .forEach(event -> values.add(event.getKv().getValue().toStringUtf8()));
            }
            return values;
        }
    }

    private static Seen watchAll(Keyspace keyspace, long from) {
        ByteString everything = ByteString.copyFrom(new byte[1]);
        Seen seen = new Seen();
        var unused = keyspace.watch(
                WatchCreateRequest.newBuilder()
                        .setKey(everything)
                        .setRangeEnd(everything)
                        .setStartRevision(from)
                        .build(),
                seen);
        return seen;
    }

    @Test
    void aWatchGoesOnOverARestartOfEtcdAndTellsEverythingOnce() throws Exception {
        EtcdProcess first = run("http");
        Keyspace keyspace = keyspace(options("etcd://127.0.0.1:" + port, null, null, null, null));
        Seen seen = watchAll(keyspace, 0);
        assertThat(seen.next().getCreated()).isTrue();
        put(keyspace, "/r/a", "1");
        assertThat(seen.values(1)).containsExactly("1");
        first.kill();
        assertThatThrownBy(() -> put(keyspace, "/r/b", "lost"))
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.code()).isEqualTo(Code.UNAVAILABLE));
        EtcdProcess second = run("http");
        put(keyspace, "/r/b", "2");
        assertThat(EtcdProcess.ask(second.endpoint, "put", "/coppice/r/c", "3")).contains("OK");
        assertThat(seen.values(2)).containsExactly("2", "3");
        assertThat(keys(keyspace)).containsExactly("/r/a", "/r/b", "/r/c");
        assertThat(EtcdProcess.ask(second.endpoint, "get", "/coppice/r/a", "--print-value-only"))
                .contains("1");
        long lease = keyspace.grant(LeaseGrantRequest.newBuilder().setTTL(60).build())
                .getID();
        assertThat(keyspace.keepAlive(
                                LeaseKeepAliveRequest.newBuilder().setID(lease).build())
                        .getTTL())
                .isEqualTo(60);
    }

    @Test
    void whatOthersWriteBesideItIsSeenToBeNothingOfItsOwn() throws Exception {
        EtcdProcess running = run("http");
        Keyspace keyspace = keyspace(options("etcd://127.0.0.1:" + port, null, null, null, null));
        Seen seen = watchAll(keyspace, 0);
        assertThat(seen.next().getCreated()).isTrue();
        String unused = EtcdProcess.ask(running.endpoint, "put", "users/key", "theirs");
        long newest = keyspace.newestRevision();
        WatchResponse mark = seen.next();
        assertThat(mark.getEventsList()).isEmpty();
        assertThat(mark.getHeader().getRevision()).isGreaterThanOrEqualTo(newest);
        assertThat(keyspace.newestRevision())
                .as("nothing is written without need")
                .isEqualTo(newest + 1);
    }

    @Test
    void aWatchOfWhatWasCompactedIsTold() throws Exception {
        var unused = run("http");
        Keyspace keyspace = keyspace(options("etcd://127.0.0.1:" + port + "/other", null, null, null, null));
        long begin = put(keyspace, "/r/a", "1");
        long end = put(keyspace, "/r/a", "2");
        for (int i = 0; i < 2; i++) {
            var unusedToo = keyspace.compact(
                    CompactionRequest.newBuilder().setRevision(end).build());
        }
        Seen seen = watchAll(keyspace, begin);
        assertThat(seen.ends.poll(20, TimeUnit.SECONDS)).contains("required revision has been compacted");
        assertThat(keyspace.compactedRevision()).isEqualTo(end);
    }

    @Test
    void certificatesAndUsers() throws Exception {
        Path pki = Files.createDirectory(directory.resolve("pki"));
        CertificateAuthority authority = CertificateAuthority.open(kernel, pki);
        TlsSource.Material own = authority.peer(List.of("127.0.0.1")).current();
        Files.writeString(pki.resolve("own.crt"), Pem.encode(own.chain()));
        Files.writeString(pki.resolve("own.key"), Pem.encode(own.key()));
        Path ca = Files.writeString(pki.resolve("authority.crt"), Pem.encode(authority.root()));
        var unused = run(
                "https",
                "--cert-file",
                pki.resolve("own.crt").toString(),
                "--key-file",
                pki.resolve("own.key").toString(),
                "--client-cert-auth",
                "--trusted-ca-file",
                ca.toString());
        String url = "etcds://127.0.0.1:" + port;
        Keyspace before = keyspace(options(url, ca, pki, null, null));
        put(before, "/r/a", "1");
        String[] client = {
            "--cacert",
            ca.toString(),
            "--cert",
            pki.resolve("own.crt").toString(),
            "--key",
            pki.resolve("own.key").toString()
        };
        for (List<String> each : List.of(
                List.of("user", "add", "root:secret"),
                List.of("user", "grant-role", "root", "root"),
                List.of("auth", "enable"))) {
            List<String> all = new ArrayList<>(List.of(client));
            all.addAll(each);
            String unusedToo = EtcdProcess.ask("https://127.0.0.1:" + port, all.toArray(String[]::new));
        }
        assertThatThrownBy(() -> put(before, "/r/a", "2")).hasMessageContaining("permission denied");
        Path password = Files.writeString(directory.resolve("password"), "wrong");
        assertThatThrownBy(() -> keyspace(options(url, ca, pki, "root", password)))
                .hasMessageContaining("authentication failed");
        Files.writeString(password, "secret");
        Keyspace after = keyspace(options(url, ca, pki, "root", password));
        put(after, "/r/b", "2");
        assertThat(keys(after)).containsExactly("/r/a", "/r/b");
        Seen seen = watchAll(after, 0);
        assertThat(seen.next().getCreated()).isTrue();
        put(after, "/r/c", "3");
        assertThat(seen.values(1)).containsExactly("3");
    }

    @Test
    void optionsTellEverythingThatIsWrong() {
        List<String> problems = new ArrayList<>();
        assertThat(EtcdOptions.parse("http://x", null, null, null, null, null, problems))
                .isEmpty();
        assertThat(EtcdOptions.parse("etcd://a:1,:2,u@b:3", Path.of("ca"), Path.of("crt"), null, "eve", null, problems))
                .isEmpty();
        assertThat(problems)
                .hasSize(6)
                .anyMatch(each -> each.contains("\"http://x\": expected etcd://HOST:PORT"))
                .anyMatch(each -> each.contains("\":2\" is no address"))
                .anyMatch(each -> each.contains("\"u@b:3\" is no address"))
                .anyMatch(each -> each.contains("write etcds://"))
                .anyMatch(each -> each.contains("--store-cert and --store-key go together"))
                .anyMatch(each -> each.contains("--store-password-file go together"));
        assertThat(EtcdOptions.parse("etcd://[::1]:1/p/", null, null, null, null, null, problems))
                .hasValueSatisfying(options -> {
                    assertThat(options.endpoints()).containsExactly(new EtcdOptions.Endpoint("::1", 1));
                    assertThat(options.prefix()).isEqualTo(bytes("/p"));
                });
    }
}
