package dev.coppice.control.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.Sealer;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.CompactionRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The exchange of the key that encrypts, on two nodes that share a store. */
class EncryptionKeysTest {
    private static final String SECRETS = "/registry/secrets/";

    @TempDir
    Path folder;

    private Kernel kernel;
    private Keyspace keyspace;
    private Node a;
    private Node b;

    private record Node(Kernel kernel, Path directory, Sealer sealer, ObjectStore store, EncryptionKeys keys)
            implements AutoCloseable {

        private static Node of(Keyspace keyspace, Path directory) {
            Kernel kernel = Kernel.start();
            Sealer sealer = Sealer.open(kernel, directory);
            ObjectStore store = new ObjectStore(keyspace, sealer, kernel.clock());
            return new Node(
                    kernel,
                    directory,
                    sealer,
                    store,
                    new EncryptionKeys(kernel, keyspace, store, sealer, directory, () -> List.of(SECRETS)));
        }

        private void put(String name, String value) {
            ObjectStore.Stored before = store.get(SECRETS + name);
            assertThat(store.put(
                            SECRETS + name,
                            before == null ? 0 : before.revision(),
                            value.getBytes(StandardCharsets.UTF_8),
                            true,
                            null))
                    .isInstanceOf(ObjectStore.Written.Done.class);
        }

        private String get(String name) {
            return new String(Objects.requireNonNull(store.get(SECRETS + name)).value(), StandardCharsets.UTF_8);
        }

        private List<String> sealedWith() {
            return store.raw(SECRETS, "", 10_000).values().stream()
                    .map(each -> Sealer.keyOf(each.value()))
                    .distinct()
                    .sorted()
                    .toList();
        }

        private String file() throws Exception {
            return Files.readString(directory.resolve("encryption-keys"));
        }

        /** As after kill -9: nothing but files and the store is left. */
        private Node again(Keyspace keyspace) {
            close();
            return of(keyspace, directory);
        }

        @Override
        public void close() {
            kernel.close();
        }
    }

    @BeforeEach
    void start() throws Exception {
        kernel = Kernel.start();
        keyspace = Store.start(kernel, kernel.root(), StoreOptions.of(folder.resolve("store")))
                .keyspace("control");
        Path first = Files.createDirectory(folder.resolve("a"));
        Path second = Files.createDirectory(folder.resolve("b"));
        var _ = CertificateAuthority.open(kernel, first);
        var _ = Sealer.open(kernel, first);
        for (String name : List.of("ca.pem", "encryption-keys")) {
            Files.copy(first.resolve(name), second.resolve(name));
        }
        a = Node.of(keyspace, first);
        b = Node.of(keyspace, second);
    }

    @AfterEach
    void stop() {
        a.close();
        b.close();
        kernel.close();
    }

    private void compact() {
        var _ = keyspace.compact(
                CompactionRequest.newBuilder().setRevision(keyspace.revision()).build());
    }

    private static String phase(Node node) {
        return node.keys.status().path("phase").asText();
    }

    @Test
    void everythingIsEncryptedAgainAndTheOldKeyIsForgottenAfterCompaction() throws Exception {
        for (int i = 0; i < 450; i++) {
            a.put("s" + i, "value " + i);
        }
        assertThat(a.keys.status().toString())
                .isEqualTo("{\"current\":\"key1\",\"phase\":\"done\",\"keys\":[\"key1\"]}");
        ObjectNode begun = a.keys.rotate();
        assertThat(begun.path("current").asText()).isEqualTo("key2");
        assertThat(begun.path("phase").asText()).isEqualTo("rewriting");
        assertThat(begun.path("left").asInt()).isEqualTo(450);
        a.keys.step();
        assertThat(a.sealedWith()).containsExactly("key2");
        a.keys.step();
        assertThat(phase(a)).isEqualTo("waiting");
        a.keys.step();
        assertThat(a.file())
                .as("older revisions need it still")
                .startsWith("key2 ")
                .contains("\nkey1 ");
        compact();
        a.keys.step();
        assertThat(phase(a)).isEqualTo("done");
        assertThat(a.file()).startsWith("key2 ").doesNotContain("key1");
        for (int i = 0; i < 450; i++) {
            assertThat(b.get("s" + i)).isEqualTo("value " + i);
        }
        assertThat(b.file()).isEqualTo(a.file());
        assertThat(a.keys.rotate().path("current").asText()).isEqualTo("key3");
    }

    @Test
    void aNodeThatHasNotHeardOfTheNewKeyWritesWithItAndReadsWhatItSealed() {
        a.put("before", "old");
        a.keys.rotate();
        // Nobody told it.
        assertThat(b.sealer.current()).isEqualTo("key1");
        b.put("late", "written by b");
        assertThat(b.sealer.current()).isEqualTo("key2");
        assertThat(a.sealedWith()).containsExactly("key1", "key2");
        assertThat(a.get("late")).isEqualTo("written by b");
    }

    @Test
    void aNodeThatOnlyReadsGetsTheNewKeyWhenItNeedsIt() {
        a.keys.rotate();
        a.put("new", "by a");
        assertThat(b.sealer.current()).isEqualTo("key1");
        assertThat(b.get("new")).isEqualTo("by a");
    }

    @Test
    void aChangeOfTheObjectIsStillNoticed() {
        a.put("one", "1");
        a.keys.rotate();
        assertThat(b.store.put(SECRETS + "one", 1, new byte[0], true, null))
                .isInstanceOfSatisfying(
                        ObjectStore.Written.Refused.class,
                        refused -> assertThat(new String(
                                        Objects.requireNonNull(refused.current())
                                                .value(),
                                        StandardCharsets.UTF_8))
                                .isEqualTo("1"));
    }

    @Test
    void anotherNodeGoesOnWhereOneWasKilled() throws Exception {
        for (int i = 0; i < 10; i++) {
            a.put("s" + i, "value " + i);
        }
        a.keys.rotate();
        // One value was written again, then the node ended.
        assertThat(a.store.reseal(a.store.raw(SECRETS, "", 1).values())).isTrue();
        a = a.again(keyspace);
        assertThat(a.sealedWith()).containsExactly("key1", "key2");
        b.keys.step();
        assertThat(b.sealedWith()).containsExactly("key2");
        b.keys.step();
        b = b.again(keyspace);
        compact();
        b.keys.step();
        assertThat(phase(a)).isEqualTo("done");
        for (int i = 0; i < 10; i++) {
            assertThat(a.get("s" + i)).isEqualTo("value " + i);
        }
    }

    @Test
    void theNewKeyIsKnownToANodeWhoseFileWasNotWritten() throws Exception {
        String before = a.file();
        a.keys.rotate();
        a.put("new", "value");
        Files.writeString(a.directory.resolve("encryption-keys"), before);
        a = a.again(keyspace);
        assertThat(a.get("new")).isEqualTo("value");
        assertThat(a.file()).startsWith("key2 ");
    }

    @Test
    void theStoreHoldsNoKeyThatCanBeReadWithoutTheAuthority() throws Exception {
        a.keys.rotate();
        String key = a.file().lines().findFirst().orElseThrow().substring("key2 ".length());
        String stored = new String(
                Objects.requireNonNull(a.store.get("/coppice.dev/keys/encryption"))
                        .value(),
                StandardCharsets.UTF_8);
        assertThat(stored).contains("\"key2\"").doesNotContain(key);
        Path stranger = Files.createDirectory(folder.resolve("stranger"));
        var _ = CertificateAuthority.open(kernel, stranger);
        try (Node other = Node.of(keyspace, stranger)) {
            assertThatThrownBy(other.keys::refresh)
                    .hasMessageContaining("does this node have the certificate authority (pki/ca.pem) of the others?");
        }
    }

    @Test
    void oneExchangeAtATime() {
        a.keys.rotate();
        assertThatThrownBy(b.keys::rotate)
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("is under way (phase REWRITING)");
    }

    @Test
    void valuesAreWrittenAgainTogetherOnlyIfNoneWasChanged() {
        a.put("one", "1");
        a.put("two", "2");
        a.keys.rotate();
        List<ObjectStore.Raw> both = a.store.raw(SECRETS, "", 10).values();
        b.put("two", "changed");
        assertThat(a.store.reseal(both)).isFalse();
        assertThat(a.sealedWith()).containsExactly("key1", "key2");
        assertThat(a.store.reseal(both.subList(0, 1))).isTrue();
        assertThat(a.sealedWith()).containsExactly("key2");
        assertThat(a.get("one") + a.get("two")).isEqualTo("1changed");
    }

    @Test
    void whatCannotBeOpenedKeepsTheOldKey() throws Exception {
        a.put("good", "1");
        byte[] broken = Objects.requireNonNull(a.store.raw(SECRETS, "", 1))
                .values()
                .getFirst()
                .value();
        broken[broken.length - 1] ^= 1;
        var _ = a.store.put(SECRETS + "broken", 0, broken, false, null);
        a.keys.rotate();
        a.keys.step();
        a.keys.step();
        assertThat(phase(a)).isEqualTo("rewriting");
        assertThat(a.keys.status().path("left").asInt()).isEqualTo(1);
        assertThat(a.file()).contains("key1 ");
    }
}
