package dev.coppice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.bolt.DamagedFileException;
import dev.coppice.store.engine.StateLoader;
import dev.coppice.store.log.Command;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store comes back from its snapshot as it was, or not at all. */
class RestorationTest {

    private static final ByteString ALL = ByteString.copyFrom(new byte[] {0});

    @TempDir
    Path directory;

    private static List<StateLoader.Loaded> restore(Path file, Path target) throws IOException {
        return new Restoration(file, false, new SecureRandom(), (step, bytes, of) -> {}).run(target);
    }

    private Path backup(StoreFixture store) throws IOException {
        Path file = directory.resolve("backup.db");
        try (Snapshot snapshot = Snapshot.of(store.store);
                OutputStream out = Files.newOutputStream(file)) {
            snapshot.write(out);
            assertThat(Files.size(file)).isEqualTo(snapshot.bytes());
        }
        return file;
    }

    private static List<List<KeyValue>> history(Keyspace keyspace) {
        List<List<KeyValue>> all = new ArrayList<>();
        for (long revision = Math.max(1, keyspace.compactedRevision()); revision <= keyspace.revision(); revision++) {
            all.add(keyspace.range(RangeRequest.newBuilder()
                            .setKey(ALL)
                            .setRangeEnd(ALL)
                            .setRevision(revision)
                            .build())
                    .getKvsList());
        }
        return all;
    }

    private static void work(StoreFixture store, long seed) {
        Random random = new Random(seed);
        long lease = store.keyspace
                .grant(LeaseGrantRequest.newBuilder().setTTL(1000).build())
                .getID();
        for (int i = 0; i < 300; i++) {
            String key = "k" + random.nextInt(40);
            if (random.nextInt(4) == 0) {
                var unused = store.keyspace.delete(DeleteRangeRequest.newBuilder()
                        .setKey(StoreFixture.bytes(key))
                        .setRangeEnd(random.nextInt(5) == 0 ? StoreFixture.bytes(key + "9") : ByteString.EMPTY)
                        .build());
            } else {
                var unused = store.keyspace.put(PutRequest.newBuilder()
                        .setKey(StoreFixture.bytes(key))
                        .setValue(StoreFixture.bytes("v".repeat(random.nextInt(i % 50 == 0 ? 9000 : 60))))
                        .setLease(random.nextInt(3) == 0 ? lease : 0)
                        .build());
            }
        }
    }

    @Test
    void everyKeptRevisionComesBack() throws Exception {
        Path file;
        List<List<KeyValue>> before;
        long revision;
        int hash;
        try (StoreFixture store = new StoreFixture(directory.resolve("first"))) {
            work(store, 11);
            var unused = store.keyspace.compact(CompactionRequest.newBuilder()
                    .setRevision(100)
                    .setPhysical(true)
                    .build());
            store.store
                    .keyspace("control")
                    .put(PutRequest.newBuilder()
                            .setKey(StoreFixture.bytes("c"))
                            .setValue(StoreFixture.bytes("control"))
                            .build());
            before = history(store.keyspace);
            revision = store.keyspace.revision();
            hash = store.store.space("etcd").reads().hash(0).value();
            file = backup(store);
            store.put("k1", "later");
        }
        List<StateLoader.Loaded> loaded = restore(file, directory.resolve("second"));
        assertThat(loaded).extracting(StateLoader.Loaded::keyspace).containsExactly("control", "etcd");
        for (int start = 0; start < 2; start++) {
            try (StoreFixture store = new StoreFixture(directory.resolve("second"))) {
                assertThat(store.keyspace.revision()).isEqualTo(revision + start);
                assertThat(store.keyspace.compactedRevision()).isEqualTo(100);
                List<List<KeyValue>> after = history(store.keyspace);
                assertThat(after.subList(0, before.size())).isEqualTo(before);
                if (start == 0) {
                    assertThat(store.store.space("etcd").reads().hash(0).value())
                            .isEqualTo(hash);
                }
                assertThat(store.store
                                .keyspace("control")
                                .range(RangeRequest.newBuilder()
                                        .setKey(StoreFixture.bytes("c"))
                                        .build())
                                .getKvs(0)
                                .getValue())
                        .isEqualTo(StoreFixture.bytes("control"));
                store.put("after", "the restoration");
            }
        }
    }

    @Test
    void leasesUsersAndRolesComeBack() throws Exception {
        Path file;
        try (StoreFixture store = new StoreFixture(directory.resolve("first"))) {
            var unused = store.keyspace.grant(
                    LeaseGrantRequest.newBuilder().setID(77).setTTL(1000).build());
            unused = store.keyspace.grant(
                    LeaseGrantRequest.newBuilder().setID(78).setTTL(2000).build());
            var put = store.keyspace.put(PutRequest.newBuilder()
                    .setKey(StoreFixture.bytes("leased"))
                    .setLease(77)
                    .build());
            MemberKeyspace member = store.store.memberKeyspace("etcd");
            var added = member.propose(Command.newBuilder()
                    .setRoleAdd(AuthRoleAddRequest.newBuilder().setName("r")));
            added = member.propose(Command.newBuilder()
                    .setUserAdd(AuthUserAddRequest.newBuilder().setName("u").setHashedPassword("hash")));
            file = backup(store);
        }
        var loaded = restore(file, directory.resolve("second"));
        assertThat(loaded.get(1).keys()).isEqualTo(1);
        try (StoreFixture store = new StoreFixture(directory.resolve("second"))) {
            var time = store.keyspace.timeToLive(
                    LeaseTimeToLiveRequest.newBuilder().setID(77).setKeys(true).build());
            assertThat(time.getGrantedTTL()).isEqualTo(1000);
            assertThat(time.getKeysList()).containsExactly(StoreFixture.bytes("leased"));
            assertThat(store.store.space("etcd").auth().users()).containsOnlyKeys("u");
            assertThat(store.store.space("etcd").auth().roles()).containsOnlyKeys("r");
            assertThat(store.store.space("etcd").auth().revision()).isEqualTo(3);
        }
    }

    @Test
    void whatIsDamagedLeavesNothingBehind() throws Exception {
        byte[] sound;
        Path file;
        try (StoreFixture store = new StoreFixture(directory.resolve("first"))) {
            work(store, 5);
            file = backup(store);
            sound = Files.readAllBytes(file);
        }
        Path target = directory.resolve("second");
        byte[] flipped = sound.clone();
        flipped[flipped.length / 2] ^= 4;
        Files.write(file, flipped);
        assertThatThrownBy(() -> restore(file, target))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining("do not match the checksum");
        Files.write(file, java.util.Arrays.copyOf(sound, sound.length - 100));
        assertThatThrownBy(() -> restore(file, target))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining("cut off");
        assertThat(Files.exists(target)).isFalse();
        assertThat(directory.toFile().list()).doesNotContain("second.restoring");
        Files.write(file, sound);
        assertThat(restore(file, target)).hasSize(2);
        assertThatThrownBy(() -> restore(file, target)).hasMessageContaining("exists");
    }

    /** The structure may be sound and what is in it nonsense. */
    @Test
    void nonsenseIsRefusedOnTheWay() throws Exception {
        Path file;
        try (StoreFixture store = new StoreFixture(directory.resolve("first"))) {
            work(store, 5);
            file = backup(store);
        }
        byte[] sound = Files.readAllBytes(file);
        Random random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 12; round++) {
            byte[] bytes = sound.clone();
            for (int i = 0; i < 40; i++) {
                bytes[3 * 4096 + random.nextInt(bytes.length - 3 * 4096)] = (byte) random.nextInt(256);
            }
            Files.write(file, bytes);
            Path target = directory.resolve("round" + round);
            try {
                var unused = new Restoration(file, true, new SecureRandom(), (step, read, of) -> {}).run(target);
            } catch (DamagedFileException e) {
                refused++;
                assertThat(Files.exists(target)).isFalse();
            }
        }
        assertThat(refused).isPositive();
    }
}
