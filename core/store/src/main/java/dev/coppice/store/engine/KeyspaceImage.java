package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.bolt.Bucket;
import dev.coppice.store.log.Lease;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/**
 * A keyspace at one moment, as the buckets of etcd's database: {@code key} holds every change kept by its revision, {@code meta}
 * what was compacted and where the log stood, beside them leases, alarms, users, roles and members. Reads in steps, in little
 * memory. Used by one thread.
 *
 * @see <a href="https://pkg.go.dev/go.etcd.io/etcd/server/v3/mvcc/buckets">etcd's buckets</a>
 */
public final class KeyspaceImage {

    private static final int STEP_BYTES = 512 << 10;

    /** What a member tells about itself. */
    public record Server(String name, List<String> peerUrls, List<String> clientUrls, String clusterVersion) {}

    private final Pin pin;
    private final int number;
    private final Server server;
    private final long revision;
    private final long compacted;
    private final long physical;

    public KeyspaceImage(Pin pin, Space space, Server server) {
        this.pin = pin;
        this.number = space.number();
        this.server = server;
        SpaceState state = SpaceState.decode(meta(SpaceState.STATE));
        revision = state.revision();
        compacted = state.compacted();
        byte[] reached = meta(SpaceState.PHYSICAL);
        physical = reached == null ? 0 : Codec.number(reached);
    }

    /** The newest revision in it. */
    public long revision() {
        return revision;
    }

    /** The revision before which history is gone. */
    long compacted() {
        return compacted;
    }

    private byte @Nullable [] meta(char sort) {
        byte[][] found = new byte[1][];
        byte[] key = SpaceState.key(number, sort);
        boolean there = pin.read(view -> {
            byte[] value = view.get(Database.Family.META, key);
            found[0] = value == null ? new byte[0] : value;
            return value != null;
        });
        return there ? found[0] : null;
    }

    /** Its buckets, each with a prefix before its name. */
    public List<Bucket> buckets(String prefix) {
        AuthState auth = pin.read(view -> AuthState.load(view, number));
        List<Bucket> buckets = new ArrayList<>();
        buckets.add(new Bucket(prefix + "alarm", of(alarms())));
        buckets.add(new Bucket(prefix + "auth", of(auth(auth))));
        buckets.add(new Bucket(
                prefix + "authRoles",
                of(auth.roles().values().stream()
                        .map(role -> new Pair(role.getName().toByteArray(), role.toByteArray()))
                        .toList())));
        buckets.add(new Bucket(
                prefix + "authUsers",
                of(auth.users().values().stream()
                        .map(user -> new Pair(user.getName().toByteArray(), user.toByteArray()))
                        .toList())));
        buckets.add(new Bucket(prefix + "cluster", of(List.of(new Pair("clusterVersion", server.clusterVersion())))));
        buckets.add(new Bucket(prefix + "key", this::changes));
        buckets.add(new Bucket(prefix + "lease", this::leases));
        buckets.add(new Bucket(prefix + "members", of(List.of(member()))));
        buckets.add(new Bucket(prefix + "members_removed", of(List.of())));
        buckets.add(new Bucket(prefix + "meta", of(meta())));
        return buckets;
    }

    /** A checksum over all of it but members and where the log stood, as etcd computes it: CRC-32C of names, keys and values. */
    public int hash() {
        CRC32C checksum = new CRC32C();
        Set<String> ignored = Set.of("consistent_index", "term", "confState");
        try {
            for (Bucket bucket : buckets("")) {
                if (bucket.name().equals("members")) {
                    continue;
                }
                checksum.update(bucket.name().getBytes(StandardCharsets.UTF_8));
                boolean meta = bucket.name().equals("meta");
                bucket.entries().forEach((key, value) -> {
                    if (!meta || !ignored.contains(new String(key, StandardCharsets.UTF_8))) {
                        checksum.update(key);
                        checksum.update(value);
                    }
                });
            }
        } catch (IOException e) {
            throw new IllegalStateException("nothing here writes", e);
        }
        return (int) checksum.getValue();
    }

    // ---- what is small

    private record Pair(byte[] key, byte[] value) {
        Pair(String key, String value) {
            this(key.getBytes(StandardCharsets.UTF_8), value.getBytes(StandardCharsets.UTF_8));
        }

        Pair(String key, byte[] value) {
            this(key.getBytes(StandardCharsets.UTF_8), value);
        }
    }

    private static Bucket.Entries of(List<Pair> pairs) {
        List<Pair> sorted = pairs.stream()
                .sorted(Comparator.comparing(Pair::key, Arrays::compareUnsigned))
                .toList();
        return taker -> {
            for (Pair pair : sorted) {
                taker.entry(pair.key(), pair.value());
            }
        };
    }

    private List<Pair> alarms() {
        List<Pair> pairs = new ArrayList<>();
        for (AlarmMember member : Alarms.decode(meta(SpaceState.ALARMS))) {
            pairs.add(new Pair(member.toByteArray(), new byte[0]));
        }
        return pairs;
    }

    private static List<Pair> auth(AuthState auth) {
        return List.of(
                new Pair("authEnabled", new byte[] {(byte) (auth.enabled() ? 1 : 0)}),
                new Pair("authRevision", Codec.number(auth.revision())));
    }

    private Pair member() {
        String id = Long.toHexString(pin.machine().memberId());
        return new Pair(
                id,
                "{\"id\":" + Long.toUnsignedString(pin.machine().memberId()) + ",\"peerURLs\":"
                        + strings(server.peerUrls()) + ",\"name\":\"" + server.name() + "\",\"clientURLs\":"
                        + strings(server.clientUrls()) + "}");
    }

    /** Names and addresses have no characters that JSON would escape. */
    private static String strings(List<String> values) {
        return values.stream()
                .collect(Collectors.joining("\",\"", values.isEmpty() ? "[" : "[\"", values.isEmpty() ? "]" : "\"]"));
    }

    private List<Pair> meta() {
        long applied = pin.read(view -> {
            byte[] found = view.get(Database.Family.META, Database.APPLIED);
            return found == null ? 0 : Codec.number(found);
        });
        List<Pair> pairs = new ArrayList<>();
        pairs.add(new Pair(
                "confState",
                "{\"voters\":[" + Long.toUnsignedString(pin.machine().memberId()) + "],\"auto_leave\":false}"));
        pairs.add(new Pair("consistent_index", Codec.number(applied)));
        pairs.add(new Pair("term", Codec.number(pin.term())));
        if (compacted > SpaceState.NEVER) {
            pairs.add(new Pair("scheduledCompactRev", EtcdKeys.revision(compacted, 0, false)));
        }
        // etcd then goes on with a compaction that was not finished.
        if (physical > 0) {
            pairs.add(new Pair("finishedCompactRev", EtcdKeys.revision(Math.min(physical, compacted), 0, false)));
        }
        return pairs;
    }

    // ---- what may be large

    private void leases(Bucket.Taker taker) throws IOException {
        byte[] from = Codec.lease(number, 0);
        byte[] end = Codec.leaseKeyPrefix(number, 0);
        scan(Database.Family.LEASES, from, end, (key, value) -> {
            long id = ByteBuffer.wrap(key).getLong(Codec.SPACE_BYTES + 1);
            Lease lease = Lease.newBuilder()
                    .setID(id)
                    .setTTL(Codec.number(value))
                    .setRemainingTTL(Codec.remaining(value))
                    .build();
            taker.entry(Codec.number(id), lease.toByteArray());
        });
    }

    private void changes(Bucket.Taker taker) throws IOException {
        changes(
                Long.MAX_VALUE,
                (revision, sub, change) ->
                        taker.entry(EtcdKeys.revision(revision, sub, change[0] == 1), EtcdKeys.value(change)));
    }

    /** Takes a change as it lies on disk. */
    private interface ChangeTaker {
        void change(long revision, int sub, byte[] change) throws IOException;
    }

    private void changes(long upTo, ChangeTaker taker) throws IOException {
        byte[] end = upTo == Long.MAX_VALUE ? Codec.spaceEnd(number) : Codec.revision(number, upTo + 1, 0);
        scan(
                Database.Family.REVISIONS,
                Codec.revision(number, 0, 0),
                end,
                (key, value) -> taker.change(Codec.revisionOf(key), Codec.subOf(key), value));
    }

    /** Reads in steps, so that the database may be closed between them however slow the taker is. */
    private void scan(Database.Family family, byte[] from, byte[] end, Bucket.Taker taker) throws IOException {
        byte[] next = from;
        while (next.length > 0) {
            byte[] start = next;
            List<Pair> step = new ArrayList<>();
            next = pin.read(view -> step(view, family, start, end, step));
            for (Pair pair : step) {
                taker.entry(pair.key(), pair.value());
            }
        }
    }

    /** Where the next step starts; empty at the end. */
    private static byte[] step(View view, Database.Family family, byte[] start, byte[] end, List<Pair> step) {
        long bytes = 0;
        try (RocksIterator iterator = view.iterate(family)) {
            for (iterator.seek(start); iterator.isValid(); iterator.next()) {
                byte[] at = iterator.key();
                if (Codec.compare(at, end) >= 0) {
                    return new byte[0];
                }
                if (bytes >= STEP_BYTES) {
                    return at;
                }
                byte[] value = iterator.value();
                bytes += at.length + value.length;
                step.add(new Pair(at, value));
            }
            Ranges.check(iterator);
        }
        return new byte[0];
    }

    // ---- the checksum of keys

    /**
     * The checksum of the changes up to a revision, as etcd computes it, so that it is equal on members that were compacted to
     * different degrees: CRC-32C over the name of the bucket, then keys and values; of what lies before the compacted revision,
     * only what is current at the revision asked for. Where nothing is, etcd takes whatever compaction left; here, what it
     * leaves when it is done: what was current at the compacted revision, and its own deletions.
     */
    public int hash(long upTo) {
        CRC32C checksum = new CRC32C();
        checksum.update("key".getBytes(StandardCharsets.UTF_8));
        boolean choosy = pin.read(view -> anyKey(view, upTo));
        try {
            changes(upTo, (at, sub, change) -> {
                if (at > compacted
                        || current(choosy ? upTo : compacted, at, sub, change)
                        || !choosy && at == compacted) {
                    checksum.update(EtcdKeys.revision(at, sub, change[0] == 1));
                    checksum.update(EtcdKeys.value(change));
                }
            });
        } catch (IOException e) {
            throw new IllegalStateException("nothing here writes", e);
        }
        return (int) checksum.getValue();
    }

    private boolean anyKey(View view, long atRevision) {
        boolean[] any = {false};
        ByteString first = ByteString.copyFrom(new byte[] {0});
        Ranges.scan(view, number, first, first, atRevision, atRevision == revision, (key, version) -> {
            any[0] = true;
            return false;
        });
        return any[0];
    }

    private boolean current(long upTo, long at, int sub, byte[] change) {
        KeyValue pair = Change.decode(change).pair();
        return change[0] == 0
                && pin.read(view -> {
                    Version newest = Ranges.before(view, number, pair.getKey(), upTo + 1);
                    return newest != null && newest.mod() == at && newest.sub() == sub;
                });
    }
}
