package dev.coppice.store;

import com.google.protobuf.Message;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseLeasesResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.LeaseStatus;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.LeaseTimeToLiveResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Lessor;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.Requests;
import dev.coppice.store.engine.Space;
import dev.coppice.store.engine.SpaceReads;
import dev.coppice.store.engine.WatchSession;
import dev.coppice.store.engine.WatchSink;
import dev.coppice.store.engine.Watcher;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.LeaseCheckpoint;
import dev.coppice.store.raft.ClusterMember;
import dev.coppice.store.raft.Member;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.LeaseQuestion;
import io.grpc.Status.Code;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A keyspace on this member: writes go through the log, reads are done here. Safe for use by many threads. */
public final class MemberKeyspace implements Keyspace {

    /** For writes whose sender was found to be permitted: the revision of users and roles at which that was so. */
    public static final ScopedValue<Long> AUTH_REVISION = ScopedValue.newInstance();

    private static final int EXPIRIES_AT_ONCE = 1000;
    private static final int CHECKPOINTS_AT_ONCE = 1000;
    private final Store store;
    private final StoreOptions.KeyspaceOptions options;
    private final AutoCompaction compaction;
    private final WatchProcesses watches;

    MemberKeyspace(Store store, StoreOptions.KeyspaceOptions options) {
        this.store = store;
        this.options = options;
        this.compaction = new AutoCompaction(options.retention());
        this.watches = new WatchProcesses(store, options.name());
    }

    @Override
    public String name() {
        return options.name();
    }

    public RequestLimits limits() {
        return options.limits();
    }

    public Store store() {
        return store;
    }

    public Space space() {
        return store.space(options.name());
    }

    // ---- writing

    /** Sends a command through the log; the caller has set its operation. */
    public Message propose(Command.Builder builder) {
        Command command = builder.setKeyspace(space().number())
                .setAuthRevision(AUTH_REVISION.orElse(0L))
                .build();
        if (command.getSerializedSize() > options.limits().bytes()) {
            throw Errors.requestTooLarge();
        }
        return store.propose(command);
    }

    private boolean propose(Command.Builder builder, Space space, Machine.Outcome outcome) {
        Command command = builder.setKeyspace(space.number()).build();
        if (command.getSerializedSize() > options.limits().bytes()) {
            throw Errors.requestTooLarge();
        }
        return store.propose(command, outcome);
    }

    /** The keyspace here, unless it has to be waited for. */
    private @Nullable Space spaceNow() {
        Member member = store.memberNow();
        return member == null ? null : member.machine().space(name()).orElse(null);
    }

    /** Whether authentication is off, as far as is known without waiting. */
    public boolean anybody() {
        Space space = spaceNow();
        return space != null && !space.auth().enabled();
    }

    private boolean room(Space space, Message request) {
        return space.bytes() + request.getSerializedSize() <= options.quotaBytes();
    }

    // What follows begins without waiting and tells the outcome later; false, with nothing done, when it would have to
    // wait.

    /** As {@link #put(PutRequest)}, for requests that were checked, without waiting. */
    public boolean put(PutRequest request, Machine.Outcome outcome) {
        Space space = spaceNow();
        return space != null
                && room(space, request)
                && propose(Command.newBuilder().setPut(request), space, outcome);
    }

    /** As {@link #delete(DeleteRangeRequest)}, for requests that were checked, without waiting. */
    public boolean delete(DeleteRangeRequest request, Machine.Outcome outcome) {
        Space space = spaceNow();
        return space != null && propose(Command.newBuilder().setDeleteRange(request), space, outcome);
    }

    /** As {@link #txn(TxnRequest)}, for requests that were checked, without waiting. */
    public boolean txn(TxnRequest request, Machine.Outcome outcome) {
        Space space = spaceNow();
        return space != null
                && !Requests.readOnly(request)
                && (!Requests.puts(request) || room(space, request))
                && propose(Command.newBuilder().setTxn(request), space, outcome);
    }

    /** As {@link #range(RangeRequest)}, for requests of one key that were checked, without waiting. */
    public boolean range(RangeRequest request, Machine.Outcome outcome) {
        Member member = store.memberNow();
        Space space = spaceNow();
        if (member == null || space == null || !SpaceReads.point(request)) {
            return false;
        }
        if (request.getSerializable() || member.log().upToDate()) {
            RangeResponse answer = space.reads().pointNow(request);
            if (answer != null) {
                outcome.answered(answer);
            }
            return answer != null;
        }
        member.log().barrier(error -> {
            if (error != null) {
                outcome.refused(error);
                return;
            }
            RangeResponse answer;
            try {
                answer = space().reads().range(request);
            } catch (StoreException e) {
                outcome.refused(e);
                return;
            }
            outcome.answered(answer);
        });
        return true;
    }

    /** Refuses what would grow a keyspace that is full, and raises the alarm. */
    private void admitGrowth(Message request) {
        Space space = space();
        if (space.bytes() + request.getSerializedSize() > options.quotaBytes()) {
            if (!space.alarms().contains(AlarmType.NOSPACE)) {
                propose(Command.newBuilder()
                        .setAlarm(AlarmRequest.newBuilder()
                                .setAction(AlarmRequest.AlarmAction.ACTIVATE)
                                .setMemberID(store.machine().memberId())
                                .setAlarm(AlarmType.NOSPACE)));
            }
            throw Errors.noSpace();
        }
    }

    @Override
    public PutResponse put(PutRequest request) {
        Requests.check(request);
        admitGrowth(request);
        return (PutResponse) propose(Command.newBuilder().setPut(request));
    }

    @Override
    public DeleteRangeResponse delete(DeleteRangeRequest request) {
        Requests.check(request);
        return (DeleteRangeResponse) propose(Command.newBuilder().setDeleteRange(request));
    }

    @Override
    public TxnResponse txn(TxnRequest request) {
        Requests.check(request, limits());
        if (Requests.readOnly(request)) {
            if (!Requests.serializable(request)) {
                store.log().barrier();
            }
            return space().reads().readTxn(request);
        }
        if (Requests.puts(request)) {
            admitGrowth(request);
        }
        return (TxnResponse) propose(Command.newBuilder().setTxn(request));
    }

    @Override
    public CompactionResponse compact(CompactionRequest request) {
        CompactionResponse response =
                (CompactionResponse) propose(Command.newBuilder().setCompact(request));
        Space space = space();
        while (request.getPhysical() && store.machine().compact(space, 10_000)) {}
        return response;
    }

    /** Forgets the history that is not to be kept. */
    void compactByItself() {
        long now = store.kernel().clock().nanoTime();
        long target = compaction.due(now, revision());
        if (target == 0) {
            return;
        }
        if (target > compactedRevision()) {
            CompactionResponse unused =
                    compact(CompactionRequest.newBuilder().setRevision(target).build());
        }
        compaction.done(now, target);
    }

    // ---- reading

    @Override
    public RangeResponse range(RangeRequest request) {
        Requests.check(request);
        if (!request.getSerializable()) {
            store.log().barrier();
        }
        return space().reads().range(request);
    }

    @Override
    public long revision() {
        return space().revision();
    }

    @Override
    public long newestRevision() {
        store.log().barrier();
        return space().revision();
    }

    @Override
    public long compactedRevision() {
        return space().compacted();
    }

    @Override
    public KeyspaceStatus status() {
        Space space = space();
        Set<String> alarms = space.alarms().stream().map(AlarmType::name).collect(Collectors.toSet());
        return new KeyspaceStatus(
                name(),
                space.revision(),
                space.compacted(),
                space.bytes(),
                options.quotaBytes(),
                space.lessor().count(),
                space.watchCount(),
                alarms);
    }

    // ---- watching

    @Override
    public Watch watch(WatchCreateRequest request, WatchObserver observer) {
        return watch(request, Watcher.ALL, observer);
    }

    @Override
    public Watch watch(WatchCreateRequest request, Predicate<Event> wanted, WatchObserver observer) {
        ObserverSink sink = new ObserverSink(observer);
        WatchSession session = space().watches(sink);
        sink.of(session);
        watches.start(session);
        try {
            Watcher watcher = session.watch(request, wanted);
            if (watcher == null) {
                throw Errors.stopped();
            }
            return watcher;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            session.end(null);
            throw Errors.stopped();
        }
    }

    /** A session for the watches of a stream, to be ended by the caller; it may end before, when the store restarts. */
    public WatchSession watches(WatchSink sink) {
        WatchSession session = space().watches(sink);
        watches.start(session);
        return session;
    }

    // ---- leases

    @Override
    public LeaseGrantResponse grant(LeaseGrantRequest request) {
        admitGrowth(request);
        if (request.getTTL() > Lessor.MAX_TTL_SECONDS) {
            throw space().alarms().contains(AlarmType.NOSPACE) ? Errors.noSpace() : Errors.leaseTtlTooLarge();
        }
        LeaseGrantRequest.Builder chosen = request.toBuilder();
        while (chosen.getID() == 0) {
            chosen.setID(store.kernel().secureRandom().nextLong() & Long.MAX_VALUE);
        }
        return (LeaseGrantResponse) propose(Command.newBuilder().setLeaseGrant(chosen));
    }

    @Override
    public LeaseRevokeResponse revoke(LeaseRevokeRequest request) {
        return (LeaseRevokeResponse) propose(Command.newBuilder().setLeaseRevoke(request));
    }

    @Override
    public LeaseKeepAliveResponse keepAlive(LeaseKeepAliveRequest request) {
        Optional<ClusterMember> cluster = store.cluster();
        if (cluster.isPresent()) {
            long ttl = cluster.get()
                    .ask(AskRequest.newBuilder()
                            .setRenew(question(request.getID(), false))
                            .build())
                    .getTtlSeconds();
            return renewed(request, ttl);
        }
        if (!store.log().leading()) {
            throw Errors.noLeader();
        }
        return renewed(request, space().lessor().renew(request.getID()));
    }

    private LeaseQuestion question(long id, boolean keys) {
        return LeaseQuestion.newBuilder()
                .setKeyspace(name())
                .setId(id)
                .setKeys(keys)
                .build();
    }

    private LeaseKeepAliveResponse renewed(LeaseKeepAliveRequest request, long ttlSeconds) {
        Space space = space();
        return LeaseKeepAliveResponse.newBuilder()
                .setHeader(space.header(space.revision()))
                .setID(request.getID())
                .setTTL(ttlSeconds)
                .build();
    }

    /** How much time is left is known to the leader only. */
    @Override
    public LeaseTimeToLiveResponse timeToLive(LeaseTimeToLiveRequest request) {
        Optional<ClusterMember> cluster = store.cluster();
        if (cluster.isPresent()) {
            LeaseTimeToLiveResponse answer = cluster.get()
                    .ask(AskRequest.newBuilder()
                            .setTimeToLive(question(request.getID(), request.getKeys()))
                            .build())
                    .getTimeToLive();
            Space space = space();
            return answer.toBuilder()
                    .setHeader(space.header(
                            Math.max(space.revision(), answer.getHeader().getRevision())))
                    .build();
        }
        store.log().barrier();
        Space space = space();
        LeaseTimeToLiveResponse.Builder response = LeaseTimeToLiveResponse.newBuilder()
                .setHeader(space.header(space.revision()))
                .setID(request.getID());
        Lessor.Time time = space.lessor().time(request.getID());
        if (time == null) {
            return response.setTTL(-1).build();
        }
        if (request.getKeys()) {
            response.addAllKeys(space.reads().leaseKeys(request.getID()));
        }
        return response.setTTL(time.remainingSeconds())
                .setGrantedTTL(time.grantedSeconds())
                .build();
    }

    @Override
    public LeaseLeasesResponse leases(LeaseLeasesRequest request) {
        store.log().barrier();
        Space space = space();
        LeaseLeasesResponse.Builder response =
                LeaseLeasesResponse.newBuilder().setHeader(space.header(space.revision()));
        space.lessor()
                .idsByEnd()
                .forEach(id -> response.addLeases(LeaseStatus.newBuilder().setID(id)));
        return response.build();
    }

    /** Writes down how much time leases have left, so that the next leader knows. */
    void checkpointLeases() {
        Map<Long, Long> due = space().lessor().checkpointsDue(CHECKPOINTS_AT_ONCE);
        if (!due.isEmpty()) {
            LeaseCheckpoint.Builder checkpoint = LeaseCheckpoint.newBuilder();
            due.forEach((id, left) -> checkpoint.addLeases(
                    LeaseCheckpoint.Entry.newBuilder().setId(id).setRemaining(left)));
            Message unused = propose(Command.newBuilder().setLeaseCheckpoint(checkpoint));
        }
    }

    /** Takes back what was written down of a lease that is renewed. */
    void clearCheckpoint(long id) {
        Message unused = propose(Command.newBuilder()
                .setLeaseCheckpoint(LeaseCheckpoint.newBuilder()
                        .addLeases(LeaseCheckpoint.Entry.newBuilder().setId(id))));
    }

    void endExpiredLeases() {
        for (long id : space().lessor().expired(EXPIRIES_AT_ONCE)) {
            try {
                revoke(LeaseRevokeRequest.newBuilder().setID(id).build());
            } catch (StoreException e) {
                if (e.code() != Code.NOT_FOUND) {
                    return;
                }
            }
        }
    }
}
