package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.Role;
import dev.coppice.store.api.User;
import dev.coppice.store.bolt.BoltReader;
import dev.coppice.store.bolt.DamagedFileException;
import dev.coppice.store.log.KeyspaceRecord;
import dev.coppice.store.log.Lease;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.rocksdb.RocksIterator;

/**
 * Makes the state of a member from the buckets of etcd's database, where there is none yet. What does not fit together is
 * refused with a {@link DamagedFileException}; the directory is then to be thrown away. Used by one thread.
 */
public final class StateLoader implements AutoCloseable {

    private static final int BATCH_BYTES = 2 << 20;

    private final BoltReader reader;
    private final Database database;
    private final Batch batch;
    private final LongConsumer progress;
    private int batchBytes;
    private long bytesRead;

    /**
     * @param state where it is made; the native library was loaded
     * @param progress told how many bytes of pairs have been read
     */
    public StateLoader(BoltReader reader, Path state, LongConsumer progress) throws IOException {
        this.reader = reader;
        this.progress = progress;
        this.database = Database.open(state);
        this.batch = new Batch(database);
    }

    /** What was read of a keyspace: its newest revision, its keys, and the changes that were kept of them. */
    public record Loaded(String keyspace, long revision, long keys, long changes) {}

    /**
     * Makes a keyspace from the buckets with a prefix.
     *
     * @param number that no other has
     * @param clusterId that its answers carry
     */
    public Loaded load(String prefix, String name, int number, long clusterId) throws IOException {
        KeyspaceRecord record = KeyspaceRecord.newBuilder()
                .setNumber(number)
                .setName(name)
                .setClusterId(clusterId)
                .build();
        batch.put(Database.Family.META, Machine.spaceKey(number), record.toByteArray());
        Changes changes = new Changes(number);
        each(prefix + "key", changes::take);
        Compaction compaction = compaction(prefix);
        leases(prefix, number);
        write();
        long revision = Math.max(Math.max(changes.newest, 1), compaction.scheduled());
        long keys = attach(number);
        batch.put(
                Database.Family.META,
                SpaceState.key(number, SpaceState.STATE),
                new SpaceState(revision, compaction.scheduled(), changes.bytes, keys).encode());
        batch.put(
                Database.Family.META, SpaceState.key(number, SpaceState.PHYSICAL), Codec.number(compaction.finished()));
        batch.put(Database.Family.META, SpaceState.key(number, SpaceState.ALARMS), Alarms.encode(alarms(prefix)));
        auth(prefix).write(batch, number);
        write();
        return new Loaded(name, revision, keys, changes.count);
    }

    /** Puts everything on the disk. */
    public void finish() {
        write();
        database.flush();
    }

    private void each(String bucket, dev.coppice.store.bolt.Bucket.Taker taker) throws IOException {
        reader.forEach(bucket, (key, value) -> {
            taker.entry(key, value);
            bytesRead += key.length + value.length;
            batchBytes += key.length + value.length;
            if (batchBytes >= BATCH_BYTES) {
                write();
                progress.accept(bytesRead);
            }
        });
    }

    private void write() {
        batch.write(0);
        batchBytes = 0;
    }

    private static DamagedFileException wrong(String what) {
        return new DamagedFileException("the snapshot is damaged, or no snapshot of etcd's keys: " + what
                + ": copy it again from where it was made, or use another backup");
    }

    // ---- changes

    private final class Changes {
        private final int number;
        private long newest;
        private long bytes;
        private long count;

        Changes(int number) {
            this.number = number;
        }

        void take(byte[] key, byte[] value) throws IOException {
            if (!EtcdKeys.wellFormed(key)) {
                throw wrong("a key of the bucket \"key\" is no revision: "
                        + java.util.HexFormat.of().formatHex(key));
            }
            long revision = EtcdKeys.revisionOf(key);
            long sub = EtcdKeys.subOf(key);
            if (revision < 1 || sub < 0 || sub > Integer.MAX_VALUE) {
                throw wrong("it has a revision " + revision + ", " + sub);
            }
            boolean deletion = EtcdKeys.deletion(key);
            KeyValue pair = pair(value, revision);
            if (pair.getKey().isEmpty()
                    || !deletion
                            && (pair.getModRevision() != revision
                                    || pair.getVersion() < 1
                                    || pair.getCreateRevision() < 1
                                    || pair.getCreateRevision() > revision)) {
                throw wrong("revision " + revision + " has a pair that does not belong to it");
            }
            newest = revision;
            count++;
            put(revision, (int) sub, deletion, pair);
        }

        private KeyValue pair(byte[] value, long revision) throws IOException {
            try {
                return KeyValue.parseFrom(value);
            } catch (InvalidProtocolBufferException e) {
                throw wrong("revision " + revision + " has no pair: " + e.getMessage());
            }
        }

        private void put(long revision, int sub, boolean deletion, KeyValue pair) {
            KeyValue kept = deletion
                    ? KeyValue.newBuilder()
                            .setKey(pair.getKey())
                            .setModRevision(revision)
                            .build()
                    : pair;
            Version version = deletion
                    ? new Version(revision, sub, 0, 0, 0)
                    : new Version(revision, sub, pair.getCreateRevision(), pair.getVersion(), pair.getLease());
            batch.put(
                    Database.Family.REVISIONS,
                    Codec.revision(number, revision, sub),
                    new Change(deletion, kept).encode());
            batch.put(Database.Family.HISTORY, Codec.history(number, pair.getKey(), revision), version.encode());
            if (deletion) {
                batch.delete(Database.Family.LIVE, Codec.live(number, pair.getKey()));
            } else {
                batch.put(Database.Family.LIVE, Codec.live(number, pair.getKey()), version.encode());
            }
            bytes += Change.size(kept.getKey(), kept.getValue());
        }
    }

    // ---- what else there is

    private record Compaction(long scheduled, long finished) {}

    private Compaction compaction(String prefix) throws IOException {
        long[] found = {SpaceState.NEVER, 0};
        each(prefix + "meta", (key, value) -> {
            String name = new String(key, StandardCharsets.UTF_8);
            int at = name.equals("scheduledCompactRev") ? 0 : name.equals("finishedCompactRev") ? 1 : -1;
            if (at >= 0) {
                if (!EtcdKeys.wellFormed(value)) {
                    throw wrong(name + " is no revision");
                }
                found[at] = Math.max(0, EtcdKeys.revisionOf(value));
            }
        });
        return new Compaction(Math.max(found[0], found[1]), found[1]);
    }

    private void leases(String prefix, int number) throws IOException {
        each(prefix + "lease", (key, value) -> {
            Lease lease;
            try {
                lease = Lease.parseFrom(value);
            } catch (InvalidProtocolBufferException e) {
                throw wrong("a lease cannot be read: " + e.getMessage());
            }
            if (key.length != 8 || Codec.number(key) != lease.getID() || lease.getID() == 0) {
                throw wrong("a lease has another name than " + lease.getID());
            }
            long ttl = Math.clamp(lease.getTTL(), Lessor.MIN_TTL_SECONDS, Lessor.MAX_TTL_SECONDS);
            batch.put(
                    Database.Family.LEASES,
                    Codec.lease(number, lease.getID()),
                    Codec.leaseTimes(ttl, Math.clamp(lease.getRemainingTTL(), 0, ttl)));
        });
    }

    /** Attaches keys to their leases, and counts them. */
    private long attach(int number) {
        long keys = 0;
        byte[] end = Codec.spaceEnd(number);
        try (View view = View.forCopying(database);
                RocksIterator iterator = view.iterate(Database.Family.LIVE)) {
            for (iterator.seek(Codec.live(number, ByteString.EMPTY)); iterator.isValid(); iterator.next()) {
                byte[] at = iterator.key();
                if (Codec.compare(at, end) >= 0) {
                    break;
                }
                keys++;
                long lease = Version.decode(iterator.value()).lease();
                if (lease != 0 && view.get(Database.Family.LEASES, Codec.lease(number, lease)) != null) {
                    batch.put(Database.Family.LEASES, Codec.leaseKey(number, lease, Codec.keyOfLive(at)), new byte[0]);
                    batchBytes += at.length;
                    if (batchBytes >= BATCH_BYTES) {
                        write();
                    }
                }
            }
            Ranges.check(iterator);
        }
        return keys;
    }

    private Set<AlarmMember> alarms(String prefix) throws IOException {
        Set<AlarmMember> alarms = Alarms.sorted();
        each(prefix + "alarm", (key, value) -> {
            try {
                AlarmMember alarm = AlarmMember.parseFrom(key);
                if (alarm.getAlarm() != AlarmType.NONE && alarm.getAlarm() != AlarmType.UNRECOGNIZED) {
                    alarms.add(alarm);
                }
            } catch (InvalidProtocolBufferException e) {
                throw wrong("an alarm cannot be read: " + e.getMessage());
            }
        });
        return alarms;
    }

    private AuthState auth(String prefix) throws IOException {
        TreeMap<String, byte[]> head = new TreeMap<>();
        each(prefix + "auth", (key, value) -> head.put(new String(key, StandardCharsets.UTF_8), value));
        byte[] enabled = head.getOrDefault("authEnabled", new byte[1]);
        byte[] revision = head.getOrDefault("authRevision", Codec.number(1));
        if (revision.length != 8) {
            throw wrong("the revision of users is no number");
        }
        AuthState state = new AuthState(
                Arrays.equals(enabled, new byte[] {1}),
                ByteBuffer.wrap(revision).getLong(),
                new TreeMap<>(),
                new TreeMap<>());
        each(prefix + "authUsers", (key, value) -> {
            try {
                User user = User.parseFrom(value);
                state.users().put(user.getName().toStringUtf8(), user);
            } catch (InvalidProtocolBufferException e) {
                throw wrong("a user cannot be read: " + e.getMessage());
            }
        });
        each(prefix + "authRoles", (key, value) -> {
            try {
                Role role = Role.parseFrom(value);
                state.roles().put(role.getName().toStringUtf8(), role);
            } catch (InvalidProtocolBufferException e) {
                throw wrong("a role cannot be read: " + e.getMessage());
            }
        });
        return state;
    }

    /** Closes the database; what was not finished is not to be used. */
    @Override
    public void close() {
        batch.close();
        database.close();
    }
}
