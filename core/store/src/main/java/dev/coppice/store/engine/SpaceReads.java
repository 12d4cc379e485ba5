package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** What can be read of a keyspace: ranges, transactions that change nothing, leases' keys, checksums. Safe for use by many threads. */
public final class SpaceReads {

    private static final int POINT_READ_ATTEMPTS = 3;

    private static final KeyspaceImage.Server NOBODY = new KeyspaceImage.Server("", List.of(), List.of(), "");

    private final Machine machine;
    private final Space space;

    SpaceReads(Machine machine, Space space) {
        this.machine = machine;
        this.space = space;
    }

    /** What this space had, at the moment of a view. */
    private SpaceState state(View view) {
        return SpaceState.decode(view.get(Database.Family.META, space.stateKey()));
    }

    /** Whether a request asks for the current version of one key, and for no more. */
    public static boolean point(RangeRequest request) {
        return request.getRevision() <= 0 && request.getRangeEnd().isEmpty() && plain(request);
    }

    /** The answer to a {@link #point}, when it can be given from memory and without waiting; else null. */
    public @Nullable RangeResponse pointNow(RangeRequest request) {
        RangeResponse answer = machine.directNow(() -> point(request, Database::inMemory));
        if (answer != null) {
            space.counters().range();
        }
        return answer;
    }

    /** How a point read gets at the database. */
    private interface Lookup {
        byte @Nullable [] get(Database database, Database.Family family, byte[] key);
    }

    public RangeResponse range(RangeRequest request) {
        space.counters().range();
        if (point(request)) {
            RangeResponse answer = machine.direct(() -> point(request, Database::get));
            if (answer != null) {
                return answer;
            }
        }
        return machine.read(view -> {
            SpaceState moment = state(view);
            return Ranges.range(
                            view,
                            space.number(),
                            request,
                            moment.revision(),
                            Math.max(moment.compacted(), space.compacted()))
                    .setHeader(space.header(moment.revision()))
                    .build();
        });
    }

    private static boolean plain(RangeRequest request) {
        return !request.getCountOnly()
                && !request.getKeysOnly()
                && request.getMinModRevision() == 0
                && request.getMaxModRevision() == 0
                && request.getMinCreateRevision() == 0
                && request.getMaxCreateRevision() == 0;
    }

    /**
     * One key, without a view: its current version, then its value. Null when the key is not there, or was changed and
     * compacted meanwhile: then only a view can say at which revision that was so.
     */
    private @Nullable RangeResponse point(RangeRequest request, Lookup lookup) {
        Database database = machine.database();
        byte[] liveKey = Codec.live(space.number(), request.getKey());
        for (int attempt = 0; attempt < POINT_READ_ATTEMPTS; attempt++) {
            long before = space.revision();
            byte[] live = lookup.get(database, Database.Family.LIVE, liveKey);
            if (live == null) {
                return null;
            }
            Version version = Version.decode(live);
            byte[] value = lookup.get(
                    database, Database.Family.REVISIONS, Codec.revision(space.number(), version.mod(), version.sub()));
            if (value != null) {
                KeyValue pair = Change.decode(value).pair();
                return RangeResponse.newBuilder()
                        .setHeader(space.header(Math.max(before, version.mod())))
                        .addKvs(pair)
                        .setCount(1)
                        .build();
            }
        }
        return null;
    }

    /** A transaction that changes nothing. */
    public TxnResponse readTxn(TxnRequest request) {
        return machine.read(view -> {
            SpaceState moment = state(view);
            TxnResponse.Builder response = new Transaction(
                            view, null, space.number(), moment.revision(), moment.compacted(), space.lessor()::exists)
                    .txn(request);
            return response.setHeader(space.header(moment.revision())).build();
        });
    }

    /** The keys attached to a lease. */
    public List<ByteString> leaseKeys(long id) {
        return machine.read(view -> leaseKeys(view, id));
    }

    List<ByteString> leaseKeys(Source source, long id) {
        List<ByteString> keys = new ArrayList<>();
        byte[] prefix = Codec.leaseKeyPrefix(space.number(), id);
        try (RocksIterator iterator = source.iterate(Database.Family.LEASES)) {
            for (iterator.seek(prefix);
                    iterator.isValid() && Codec.startsWith(iterator.key(), prefix);
                    iterator.next()) {
                byte[] at = iterator.key();
                keys.add(ByteString.copyFrom(at, prefix.length, at.length - prefix.length));
            }
            Ranges.check(iterator);
        }
        return keys;
    }

    /**
     * The checksum that etcd gives for the changes up to a revision, 0 for the newest one. Equal on members that hold the
     * same.
     */
    public Hash hash(long upTo) {
        try (Pin pin = machine.pin()) {
            KeyspaceImage image = new KeyspaceImage(pin, space, NOBODY);
            if (upTo > image.revision()) {
                throw Errors.futureRevision();
            }
            if (upTo > 0 && upTo < image.compacted()) {
                throw Errors.compacted();
            }
            long revision = upTo <= 0 ? image.revision() : upTo;
            return new Hash(image.hash(revision), revision, image.compacted());
        }
    }

    /**
     * A checksum of keys.
     *
     * @param value CRC-32C
     * @param revision the last that it contains
     * @param compacted the revision before which history is gone; -1 when it never was compacted
     */
    public record Hash(int value, long revision, long compacted) {}

    /** A checksum over everything of this keyspace: its keys with their history, leases, users, roles, alarms. */
    public int hash() {
        try (Pin pin = machine.pin()) {
            return new KeyspaceImage(pin, space, NOBODY).hash();
        }
    }
}
