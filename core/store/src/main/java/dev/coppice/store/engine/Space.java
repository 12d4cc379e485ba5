package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.coppice.kernel.Clock;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmResponse;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.AuthDisableResponse;
import dev.coppice.store.api.AuthEnableResponse;
import dev.coppice.store.api.AuthRoleAddResponse;
import dev.coppice.store.api.AuthRoleDeleteResponse;
import dev.coppice.store.api.AuthRoleGrantPermissionResponse;
import dev.coppice.store.api.AuthRoleRevokePermissionResponse;
import dev.coppice.store.api.AuthUserAddResponse;
import dev.coppice.store.api.AuthUserChangePasswordResponse;
import dev.coppice.store.api.AuthUserDeleteResponse;
import dev.coppice.store.api.AuthUserGrantRoleResponse;
import dev.coppice.store.api.AuthUserRevokeRoleResponse;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.KeyspaceRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.rocksdb.RocksIterator;

/**
 * One keyspace of the state. The applying thread changes it; what others see moves on when the batch was written. Reads
 * are safe for use by many threads.
 */
public final class Space {

    private static final int POINT_READ_ATTEMPTS = 3;

    private final Machine machine;
    private final KeyspaceRecord record;
    private final Lessor lessor;
    private final WatchHub hub;

    // Of the applying thread: the state after the commands of the batch so far.
    private long nextRevision;
    private long nextCompacted;
    private long addedBytes;
    private final List<Recorded.Revision> unpublished = new ArrayList<>();
    private boolean changed;

    // What others see.
    private volatile long revision;
    private volatile long compacted;
    private volatile AuthState auth;
    private volatile Set<AlarmType> alarms;
    private final AtomicLong bytes = new AtomicLong();

    Space(Machine machine, KeyspaceRecord record) {
        this.machine = machine;
        this.record = record;
        this.lessor = new Lessor(machine.clock());
        Database database = machine.database();
        byte[] state = database.get(Database.Family.META, stateKey());
        revision = state == null ? 1 : ByteBuffer.wrap(state).getLong(0);
        compacted = state == null ? 0 : ByteBuffer.wrap(state).getLong(8);
        addedBytes = state == null ? 0 : ByteBuffer.wrap(state).getLong(16);
        byte[] freed = database.get(Database.Family.META, metaKey('F'));
        bytes.set(addedBytes - (freed == null ? 0 : Codec.number(freed)));
        nextRevision = revision;
        nextCompacted = compacted;
        auth = AuthState.load(database, number());
        alarms = loadAlarms(database);
        hub = new WatchHub(revision);
        loadLeases(database);
    }

    private Set<AlarmType> loadAlarms(Database database) {
        byte[] found = database.get(Database.Family.META, metaKey('L'));
        Set<AlarmType> loaded = new TreeSet<>();
        for (byte each : found == null ? new byte[0] : found) {
            AlarmType alarm = AlarmType.forNumber(each);
            if (alarm != null) {
                loaded.add(alarm);
            }
        }
        return Set.copyOf(loaded);
    }

    private void loadLeases(Database database) {
        byte[] prefix = ByteBuffer.allocate(3).putShort((short) number()).array();
        try (RocksIterator iterator = database.rocks().newIterator(database.handle(Database.Family.LEASES))) {
            for (iterator.seek(prefix);
                    iterator.isValid() && Codec.startsWith(iterator.key(), prefix);
                    iterator.next()) {
                lessor.add(ByteBuffer.wrap(iterator.key()).getLong(3), Codec.number(iterator.value()));
            }
        }
    }

    private byte[] stateKey() {
        return metaKey('S');
    }

    private byte[] metaKey(char sort) {
        return ByteBuffer.allocate(4)
                .put((byte) 's')
                .putShort((short) number())
                .put((byte) sort)
                .array();
    }

    public String name() {
        return record.getName();
    }

    public int number() {
        return record.getNumber();
    }

    public long clusterId() {
        return record.getClusterId();
    }

    public long revision() {
        return revision;
    }

    public long compacted() {
        return compacted;
    }

    /** Keys and values kept, with their history and what it costs to keep them. */
    public long bytes() {
        return bytes.get();
    }

    public AuthState auth() {
        return auth;
    }

    public Set<AlarmType> alarms() {
        return alarms;
    }

    public Lessor lessor() {
        return lessor;
    }

    /** Gives every lease its whole time again, when this member begins to lead. */
    public void leaseTimesAnew() {
        lessor.renewAll();
    }

    WatchHub hub() {
        return hub;
    }

    Clock clock() {
        return machine.clock();
    }

    StoreMetrics metrics() {
        return machine.metrics();
    }

    /** The header of an answer. */
    public ResponseHeader header(long atRevision) {
        return ResponseHeader.newBuilder()
                .setClusterId(clusterId())
                .setMemberId(machine.memberId())
                .setRevision(atRevision)
                .setRaftTerm(machine.term())
                .build();
    }

    // ---- reading

    <T> T read(Function<View, T> reader) {
        return machine.read(reader);
    }

    /** What this space had, at the moment of a view. */
    private record Moment(long revision, long compacted) {}

    private Moment moment(View view) {
        byte[] state = view.get(Database.Family.META, stateKey());
        return state == null
                ? new Moment(1, 0)
                : new Moment(
                        ByteBuffer.wrap(state).getLong(0),
                        ByteBuffer.wrap(state).getLong(8));
    }

    public RangeResponse range(RangeRequest request) {
        if (request.getRevision() <= 0 && request.getRangeEnd().isEmpty() && plain(request)) {
            RangeResponse answer = machine.direct(() -> point(request));
            if (answer != null) {
                return answer;
            }
        }
        return read(view -> {
            Moment moment = moment(view);
            return Ranges.range(view, number(), request, moment.revision(), Math.max(moment.compacted(), compacted))
                    .setHeader(header(moment.revision()))
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
    private @org.jspecify.annotations.Nullable RangeResponse point(RangeRequest request) {
        Database database = machine.database();
        byte[] liveKey = Codec.live(number(), request.getKey());
        for (int attempt = 0; attempt < POINT_READ_ATTEMPTS; attempt++) {
            long before = revision;
            byte[] live = database.get(Database.Family.LIVE, liveKey);
            if (live == null) {
                return null;
            }
            Version version = Version.decode(live);
            byte[] value =
                    database.get(Database.Family.REVISIONS, Codec.revision(number(), version.mod(), version.sub()));
            if (value != null) {
                KeyValue pair = Change.decode(value).pair();
                return RangeResponse.newBuilder()
                        .setHeader(header(Math.max(before, version.mod())))
                        .addKvs(pair)
                        .setCount(1)
                        .build();
            }
        }
        return null;
    }

    /** A transaction that changes nothing. */
    public TxnResponse readTxn(TxnRequest request) {
        return read(view -> {
            Moment moment = moment(view);
            TxnResponse.Builder response = new Transaction(
                            view, null, number(), moment.revision(), moment.compacted(), lessor::exists)
                    .txn(request);
            return response.setHeader(header(moment.revision())).build();
        });
    }

    /** The keys attached to a lease. */
    public List<ByteString> leaseKeys(long id) {
        return read(view -> leaseKeys(view, id));
    }

    private List<ByteString> leaseKeys(Source source, long id) {
        List<ByteString> keys = new ArrayList<>();
        byte[] prefix = Codec.leaseKeyPrefix(number(), id);
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

    /** A checksum over the changes kept, up to a revision; 0 for all. Equal on members that hold the same. */
    public int hash(long upTo) {
        if (upTo > revision) {
            throw Errors.futureRevision();
        }
        if (upTo > 0 && upTo < compacted) {
            throw Errors.compacted();
        }
        return read(view -> {
            java.util.zip.CRC32C checksum = new java.util.zip.CRC32C();
            byte[] end = upTo == 0 ? Codec.spaceEnd(number()) : Codec.revision(number(), upTo + 1, 0);
            try (RocksIterator iterator = view.iterate(Database.Family.REVISIONS)) {
                for (iterator.seek(Codec.revision(number(), 0, 0)); iterator.isValid(); iterator.next()) {
                    byte[] at = iterator.key();
                    if (Codec.compare(at, end) >= 0) {
                        break;
                    }
                    checksum.update(at, Codec.SPACE_BYTES, at.length - Codec.SPACE_BYTES);
                    checksum.update(iterator.value());
                }
                Ranges.check(iterator);
            }
            return (int) checksum.getValue();
        });
    }

    /**
     * Hands over every change kept, in order: the key of its revision (8 bytes revision, 4 bytes place) and its bytes (one for
     * deletion or put, then a KeyValue message).
     */
    public void export(java.util.function.BiConsumer<byte[], byte[]> taker) {
        boolean unused = read(view -> {
            byte[] end = Codec.spaceEnd(number());
            try (RocksIterator iterator = view.iterate(Database.Family.REVISIONS)) {
                for (iterator.seek(Codec.revision(number(), 0, 0)); iterator.isValid(); iterator.next()) {
                    byte[] at = iterator.key();
                    if (Codec.compare(at, end) >= 0) {
                        break;
                    }
                    taker.accept(java.util.Arrays.copyOfRange(at, Codec.SPACE_BYTES, at.length), iterator.value());
                }
                Ranges.check(iterator);
            }
            return true;
        });
    }

    /** Watches running. */
    public int watches() {
        return hub.count();
    }

    /** Asks for progress on behalf of watches that wish to be told, and were told nothing for some time. */
    public void notifyProgress(long quietNanos) {
        long now = clock().nanoTime();
        for (Watcher watcher : hub.watchers()) {
            if (watcher.progressNotify() && now - watcher.lastResponseNanos() >= quietNanos) {
                watcher.requestProgress();
            }
        }
    }

    /** Ends watches whose process is gone. */
    public void endUnheardWatches() {
        hub.watchers().forEach(Watcher::endIfUnheard);
    }

    /** Ends every watch, because the store stops. */
    public void endWatches() {
        hub.watchers().forEach(watcher -> watcher.end(Errors.stopped()));
    }

    /** A watch, not yet started. */
    public Watcher watch(WatchCreateRequest request, WatchObserver observer) {
        return new Watcher(this, request, observer);
    }

    // ---- applying; by the applying thread only

    Message apply(Batch batch, Command command) {
        return switch (command.getOperationCase()) {
            case PUT -> put(batch, command.getPut());
            case DELETE_RANGE -> delete(batch, command.getDeleteRange());
            case TXN -> txn(batch, command.getTxn());
            case COMPACT -> compact(command.getCompact());
            case LEASE_GRANT -> grant(batch, command.getLeaseGrant());
            case LEASE_REVOKE -> revoke(batch, command.getLeaseRevoke());
            case ALARM -> alarm(batch, command.getAlarm());
            case AUTH_ENABLE,
                    AUTH_DISABLE,
                    USER_ADD,
                    USER_DELETE,
                    USER_CHANGE_PASSWORD,
                    USER_GRANT_ROLE,
                    USER_REVOKE_ROLE,
                    ROLE_ADD,
                    ROLE_DELETE,
                    ROLE_GRANT_PERMISSION,
                    ROLE_REVOKE_PERMISSION -> applyAuth(batch, command);
            case DEFINE_KEYSPACE, OPERATION_NOT_SET ->
                throw new IllegalStateException("not a command of a keyspace: " + command.getOperationCase());
        };
    }

    private Transaction begin(Batch batch) {
        return new Transaction(batch, batch, number(), nextRevision, nextCompacted, lessor::exists);
    }

    private void end(Transaction transaction) {
        if (!transaction.events().isEmpty()) {
            nextRevision++;
            addedBytes += transaction.addedBytes();
            unpublished.add(Recorded.Revision.of(nextRevision, transaction.events()));
            changed = true;
        }
    }

    private void refuseWithoutSpace() {
        if (alarms.contains(AlarmType.NOSPACE)) {
            throw Errors.noSpace();
        }
    }

    private Message put(Batch batch, PutRequest request) {
        refuseWithoutSpace();
        if (request.getLease() != 0 && !lessor.exists(request.getLease())) {
            throw Errors.leaseNotFound();
        }
        if ((request.getIgnoreValue() || request.getIgnoreLease())
                && batch.live(Codec.live(number(), request.getKey())) == null) {
            throw Errors.keyNotFound();
        }
        Transaction transaction = begin(batch);
        var response = transaction.put(request);
        end(transaction);
        return response.setHeader(header(nextRevision)).build();
    }

    private Message delete(Batch batch, DeleteRangeRequest request) {
        Transaction transaction = begin(batch);
        var response = transaction.delete(request);
        end(transaction);
        return response.setHeader(header(nextRevision)).build();
    }

    private Message txn(Batch batch, TxnRequest request) {
        if (Requests.puts(request)) {
            refuseWithoutSpace();
        }
        Transaction transaction = begin(batch);
        var response = transaction.txn(request);
        end(transaction);
        return response.setHeader(header(nextRevision)).build();
    }

    private Message compact(CompactionRequest request) {
        if (request.getRevision() <= nextCompacted) {
            throw Errors.compacted();
        }
        if (request.getRevision() > nextRevision) {
            throw Errors.futureRevision();
        }
        nextCompacted = request.getRevision();
        changed = true;
        return CompactionResponse.newBuilder().setHeader(header(nextRevision)).build();
    }

    private Message grant(Batch batch, LeaseGrantRequest request) {
        refuseWithoutSpace();
        if (lessor.exists(request.getID())) {
            throw Errors.leaseExists();
        }
        long ttl = Math.max(request.getTTL(), Lessor.MIN_TTL_SECONDS);
        batch.put(Database.Family.LEASES, Codec.lease(number(), request.getID()), Codec.number(ttl));
        lessor.add(request.getID(), ttl);
        return LeaseGrantResponse.newBuilder()
                .setHeader(header(nextRevision))
                .setID(request.getID())
                .setTTL(ttl)
                .build();
    }

    private Message revoke(Batch batch, LeaseRevokeRequest request) {
        if (!lessor.exists(request.getID())) {
            throw Errors.leaseNotFound();
        }
        Transaction transaction = begin(batch);
        for (ByteString key : leaseKeys(batch, request.getID())) {
            transaction.delete(DeleteRangeRequest.newBuilder().setKey(key).build());
        }
        end(transaction);
        batch.delete(Database.Family.LEASES, Codec.lease(number(), request.getID()));
        lessor.remove(request.getID());
        return LeaseRevokeResponse.newBuilder().setHeader(header(nextRevision)).build();
    }

    private Message alarm(Batch batch, AlarmRequest request) {
        AlarmResponse.Builder response = AlarmResponse.newBuilder().setHeader(header(nextRevision));
        Set<AlarmType> next = new TreeSet<>(alarms);
        switch (request.getAction()) {
            case ACTIVATE -> {
                if (request.getAlarm() != AlarmType.NONE) {
                    next.add(request.getAlarm());
                    response.addAlarms(member(request.getAlarm()));
                }
            }
            case DEACTIVATE -> {
                for (AlarmType alarm : alarms) {
                    if (request.getAlarm() == AlarmType.NONE || request.getAlarm() == alarm) {
                        next.remove(alarm);
                        response.addAlarms(member(alarm));
                    }
                }
            }
            case GET, UNRECOGNIZED -> alarms.forEach(alarm -> response.addAlarms(member(alarm)));
        }
        alarms = Set.copyOf(next);
        byte[] stored = new byte[next.size()];
        int at = 0;
        for (AlarmType alarm : next) {
            stored[at++] = (byte) alarm.getNumber();
        }
        batch.put(Database.Family.META, metaKey('L'), stored);
        return response.build();
    }

    private AlarmMember member(AlarmType alarm) {
        return AlarmMember.newBuilder()
                .setMemberID(machine.memberId())
                .setAlarm(alarm)
                .build();
    }

    private Message applyAuth(Batch batch, Command command) {
        ResponseHeader header = header(nextRevision);
        AuthState state = auth;
        int space = number();
        return switch (command.getOperationCase()) {
            case AUTH_ENABLE -> {
                auth = state.enable(batch, space);
                yield AuthEnableResponse.newBuilder().setHeader(header).build();
            }
            case AUTH_DISABLE -> {
                auth = state.disable(batch, space);
                yield AuthDisableResponse.newBuilder().setHeader(header).build();
            }
            case USER_ADD -> {
                auth = state.add(batch, space, command.getUserAdd());
                yield AuthUserAddResponse.newBuilder().setHeader(header).build();
            }
            case USER_DELETE -> {
                auth = state.delete(batch, space, command.getUserDelete());
                yield AuthUserDeleteResponse.newBuilder().setHeader(header).build();
            }
            case USER_CHANGE_PASSWORD -> {
                auth = state.change(batch, space, command.getUserChangePassword());
                yield AuthUserChangePasswordResponse.newBuilder()
                        .setHeader(header)
                        .build();
            }
            case USER_GRANT_ROLE -> {
                auth = state.grant(batch, space, command.getUserGrantRole());
                yield AuthUserGrantRoleResponse.newBuilder().setHeader(header).build();
            }
            case USER_REVOKE_ROLE -> {
                auth = state.revoke(batch, space, command.getUserRevokeRole());
                yield AuthUserRevokeRoleResponse.newBuilder().setHeader(header).build();
            }
            case ROLE_ADD -> {
                auth = state.add(batch, space, command.getRoleAdd());
                yield AuthRoleAddResponse.newBuilder().setHeader(header).build();
            }
            case ROLE_DELETE -> {
                auth = state.delete(batch, space, command.getRoleDelete());
                yield AuthRoleDeleteResponse.newBuilder().setHeader(header).build();
            }
            case ROLE_GRANT_PERMISSION -> {
                auth = state.grant(batch, space, command.getRoleGrantPermission());
                yield AuthRoleGrantPermissionResponse.newBuilder()
                        .setHeader(header)
                        .build();
            }
            case ROLE_REVOKE_PERMISSION -> {
                auth = state.revoke(batch, space, command.getRoleRevokePermission());
                yield AuthRoleRevokePermissionResponse.newBuilder()
                        .setHeader(header)
                        .build();
            }
            case DEFINE_KEYSPACE,
                    PUT,
                    DELETE_RANGE,
                    TXN,
                    COMPACT,
                    LEASE_GRANT,
                    LEASE_REVOKE,
                    ALARM,
                    OPERATION_NOT_SET ->
                throw new IllegalStateException("not a command about users: " + command.getOperationCase());
        };
    }

    /** Adds its own state to the batch that is about to be written. */
    void prepare(Batch batch) {
        if (changed) {
            batch.put(
                    Database.Family.META,
                    stateKey(),
                    ByteBuffer.allocate(24)
                            .putLong(nextRevision)
                            .putLong(nextCompacted)
                            .putLong(addedBytes)
                            .array());
        }
    }

    /** Shows everybody what was written. */
    void publish() {
        if (!changed) {
            return;
        }
        changed = false;
        compacted = nextCompacted;
        revision = nextRevision;
        if (!unpublished.isEmpty()) {
            long added = 0;
            for (Recorded.Revision each : unpublished) {
                for (Recorded event : each.events()) {
                    added += Change.size(
                            event.event().getKv().getKey(),
                            event.event().getKv().getValue());
                }
            }
            bytes.addAndGet(added);
            hub.publish(unpublished);
            unpublished.clear();
        }
    }

    /** Counts what the compactor removed. */
    void freed(long freedBytes) {
        bytes.addAndGet(-freedBytes);
    }

    byte[] freedKey() {
        return metaKey('F');
    }

    byte[] physicalKey() {
        return metaKey('P');
    }
}
