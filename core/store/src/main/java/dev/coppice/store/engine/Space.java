package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.coppice.kernel.Clock;
import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.KeyspaceRecord;
import dev.coppice.store.log.LeaseCheckpoint;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.rocksdb.RocksIterator;

/**
 * One keyspace of the state. The applying thread changes it; what others see moves on when the batch was written. Reads
 * are safe for use by many threads.
 */
public final class Space {

    private final Machine machine;
    private final KeyspaceRecord record;
    private final Lessor lessor;
    private final WatchHub hub;
    private final SpaceReads reads;

    // Of the applying thread: the state after the commands of the batch so far.
    private long nextRevision;
    private long nextCompacted;
    private long addedBytes;
    private long nextKeys;
    private final List<Recorded.Revision> unpublished = new ArrayList<>();
    private boolean changed;

    // What others see.
    private volatile long revision;
    private volatile long compacted;
    private volatile long keys;
    private final SpaceCounters counters = new SpaceCounters();
    private volatile AuthState auth;
    private volatile Alarms alarms;
    private final SignIns signIns = new SignIns();
    private final AtomicLong bytes = new AtomicLong();

    Space(Machine machine, KeyspaceRecord record) {
        this.machine = machine;
        this.record = record;
        this.lessor = new Lessor(machine.clock());
        lessor.beforeRenewal(id -> machine.renewing(this, id));
        Database database = machine.database();
        auth = users(database);
        alarms = new Alarms(database, SpaceState.key(number(), SpaceState.ALARMS));
        loadState(database);
        hub = new WatchHub(revision);
        reads = new SpaceReads(machine, this);
        loadLeases(database);
    }

    /** Takes over what the database has now, which is another state than before. */
    void reload() {
        Database database = machine.database();
        auth = users(database);
        alarms = new Alarms(database, SpaceState.key(number(), SpaceState.ALARMS));
        unpublished.clear();
        changed = false;
        loadState(database);
        lessor.clear();
        loadLeases(database);
        hub.jump(revision);
    }

    private AuthState users(Database database) {
        try (View view = new View(database)) {
            return AuthState.load(view, number());
        }
    }

    void wakeWatches() {
        hub.sessions().forEach(WatchSession::wake);
    }

    private void loadState(Database database) {
        SpaceState state = SpaceState.decode(database.get(Database.Family.META, stateKey()));
        revision = state.revision();
        compacted = state.compacted();
        addedBytes = state.addedBytes();
        keys = state.keys() == SpaceState.UNCOUNTED ? countKeys(database) : state.keys();
        byte[] freed = database.get(Database.Family.META, freedKey());
        bytes.set(addedBytes - (freed == null ? 0 : Codec.number(freed)));
        nextRevision = revision;
        nextCompacted = compacted;
        nextKeys = keys;
    }

    private void loadLeases(Database database) {
        byte[] prefix = ByteBuffer.allocate(3).putShort((short) number()).array();
        try (RocksIterator iterator = database.rocks().newIterator(database.handle(Database.Family.LEASES))) {
            for (iterator.seek(prefix);
                    iterator.isValid() && Codec.startsWith(iterator.key(), prefix);
                    iterator.next()) {
                lessor.add(
                        ByteBuffer.wrap(iterator.key()).getLong(3),
                        Codec.number(iterator.value()),
                        Codec.remaining(iterator.value()));
            }
        }
    }

    byte[] stateKey() {
        return SpaceState.key(number(), SpaceState.STATE);
    }

    private long countKeys(Database database) {
        long count = 0;
        byte[] end = Codec.spaceEnd(number());
        try (RocksIterator iterator = database.rocks().newIterator(database.handle(Database.Family.LIVE))) {
            iterator.seek(Codec.live(number(), ByteString.EMPTY));
            while (iterator.isValid() && Codec.compare(iterator.key(), end) < 0) {
                count++;
                iterator.next();
            }
        }
        return count;
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

    /** The revision before which history is gone; 0 also when it never was compacted. */
    public long compacted() {
        return Math.max(0, compacted);
    }

    /** Keys and values kept, with their history and what it costs to keep them. */
    public long bytes() {
        return bytes.get();
    }

    /** Keys that are there now. */
    public long keys() {
        return keys;
    }

    /** What was done to it since this process began. */
    public SpaceCounters counters() {
        return counters;
    }

    public AuthState auth() {
        return auth;
    }

    public SignIns signIns() {
        return signIns;
    }

    public Set<AlarmType> alarms() {
        return alarms.types();
    }

    /** The alarms, each with the member that it is about. */
    public List<AlarmMember> alarmMembers() {
        return alarms.members();
    }

    public Lessor lessor() {
        return lessor;
    }

    /** Gives every lease the time that is known to be left, when this member begins to lead. */
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

    /** What can be read of it. */
    public SpaceReads reads() {
        return reads;
    }

    /** Watches running. */
    public int watchCount() {
        return hub.count();
    }

    /** Asks for progress on behalf of watches that wish to be told, and were told nothing for some time. */
    public void notifyProgress(long quietNanos) {
        long now = clock().nanoTime();
        hub.sessions().forEach(session -> session.notifyProgress(now, quietNanos));
    }

    /** Ends watches whose process is gone. */
    public void endUnheardWatches() {
        hub.sessions().forEach(WatchSession::endIfUnheard);
    }

    /** Ends every watch, because the store stops. */
    public void endWatches() {
        hub.sessions().forEach(session -> session.end(Errors.stopped()));
    }

    /** A session for watches, not yet started. */
    public WatchSession watches(WatchSink sink) {
        return new WatchSession(this, sink);
    }

    /** Watches that have to catch up. */
    public int laggingWatches() {
        return hub.lagging();
    }

    /** Sessions of watches, and how many events wait in them. */
    public WatchLoad watchLoad() {
        List<WatchSession> sessions = hub.sessions();
        return new WatchLoad(
                sessions.size(),
                sessions.stream().mapToLong(WatchSession::waitingEvents).sum());
    }

    /**
     * How much there is to deliver.
     *
     * @param waitingEvents events that wait; one that several watches of a session wait for counts once
     */
    public record WatchLoad(int sessions, long waitingEvents) {}

    // ---- applying; by the applying thread only

    Message apply(Batch batch, Command command) {
        AuthState current = auth;
        if (command.getAuthRevision() != 0 && current.enabled() && command.getAuthRevision() != current.revision()) {
            throw Errors.oldAuthRevision();
        }
        return switch (command.getOperationCase()) {
            case PUT -> put(batch, command.getPut());
            case DELETE_RANGE -> delete(batch, command.getDeleteRange());
            case TXN -> txn(batch, command.getTxn());
            case COMPACT -> compact(command.getCompact());
            case LEASE_GRANT -> grant(batch, command.getLeaseGrant());
            case LEASE_REVOKE -> revoke(batch, command.getLeaseRevoke());
            case LEASE_CHECKPOINT -> checkpoint(batch, command.getLeaseCheckpoint());
            case ALARM ->
                alarms.apply(batch, command.getAlarm())
                        .setHeader(header(nextRevision))
                        .build();
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
            case ISSUE_TOKEN -> signIns.add(command.getIssueToken());
            case DEFINE_KEYSPACE,
                    ADD_MEMBER,
                    UPDATE_MEMBER,
                    REMOVE_MEMBER,
                    CREATE_TOKEN,
                    REDEEM_TOKEN,
                    OPERATION_NOT_SET ->
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
            nextKeys += transaction.addedKeys();
            counters.changed(transaction.events());
            unpublished.add(Recorded.Revision.of(nextRevision, transaction.events()));
            changed = true;
        }
    }

    private void refuseWithoutSpace() {
        if (alarms.types().contains(AlarmType.NOSPACE)) {
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
        counters.transaction();
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
        batch.put(Database.Family.LEASES, Codec.lease(number(), request.getID()), Codec.leaseTimes(ttl, 0));
        lessor.add(request.getID(), ttl, 0);
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
        for (ByteString key : reads.leaseKeys(batch, request.getID())) {
            transaction.delete(DeleteRangeRequest.newBuilder().setKey(key).build());
        }
        end(transaction);
        batch.delete(Database.Family.LEASES, Codec.lease(number(), request.getID()));
        lessor.remove(request.getID());
        return LeaseRevokeResponse.newBuilder().setHeader(header(nextRevision)).build();
    }

    private Message checkpoint(Batch batch, LeaseCheckpoint request) {
        for (LeaseCheckpoint.Entry each : request.getLeasesList()) {
            long ttl = lessor.checkpoint(each.getId(), each.getRemaining());
            if (ttl > 0) {
                batch.put(
                        Database.Family.LEASES,
                        Codec.lease(number(), each.getId()),
                        Codec.leaseTimes(ttl, each.getRemaining()));
            }
        }
        return request;
    }

    private Message applyAuth(Batch batch, Command command) {
        AuthCommands.Applied applied = AuthCommands.apply(auth, batch, number(), command, header(nextRevision));
        auth = applied.next();
        return applied.answer();
    }

    /** Adds its own state to the batch that is about to be written. */
    void prepare(Batch batch) {
        if (changed) {
            batch.put(
                    Database.Family.META,
                    stateKey(),
                    new SpaceState(nextRevision, nextCompacted, addedBytes, nextKeys).encode());
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
        keys = nextKeys;
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
        return SpaceState.key(number(), SpaceState.FREED);
    }

    byte[] physicalKey() {
        return SpaceState.key(number(), SpaceState.PHYSICAL);
    }
}
