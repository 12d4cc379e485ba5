package dev.coppice.store.remote;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.store.Keyspace;
import dev.coppice.store.KeyspaceStatus;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseLeasesResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.LeaseTimeToLiveResponse;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.StatusRequest;
import dev.coppice.store.api.StatusResponse;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * A keyspace whose keys lie in an etcd, below a prefix. Revisions, leases and history are the etcd's, and so are counted on by
 * whoever else writes there. With an empty prefix it is all that the etcd holds. Safe for use by many threads.
 */
final class EtcdKeyspace implements Keyspace {

    private static final System.Logger LOG = System.getLogger(EtcdKeyspace.class.getName());

    /** Written only so that watches see how far they are. */
    static final ByteString MARK = ByteString.copyFromUtf8("/mark");

    /** A frozen member must not cost a lease: another one is asked before that ends. */
    private static final Duration RENEWAL = Duration.ofSeconds(2);

    /** By then a watch has usually seen the newest change by itself. */
    private static final Duration UNTIL_MARK = Duration.ofMillis(5);

    private final String name;
    private final Kernel kernel;
    private final EtcdConnection etcd;
    private final KeyPrefix prefix;
    private final EtcdMeters meters;
    private final Supervisor watchers;
    private final List<ResumingWatch> watches = new CopyOnWriteArrayList<>();
    private final AtomicLong watchNumbers = new AtomicLong();
    private final AtomicLong compacted = new AtomicLong();
    private final ReentrantLock marking = new ReentrantLock();
    private volatile long marked;

    EtcdKeyspace(
            String name, Kernel kernel, EtcdConnection etcd, KeyPrefix prefix, EtcdMeters meters, Supervisor watchers) {
        this.name = name;
        this.kernel = kernel;
        this.etcd = etcd;
        this.prefix = prefix;
        this.meters = meters;
        this.watchers = watchers;
    }

    @Override
    public String name() {
        return name;
    }

    // ---- keys

    @Override
    public RangeResponse range(RangeRequest request) {
        RangeRequest sent = prefix.sent(request);
        RangeResponse response =
                etcd.read(channel -> KVGrpc.newBlockingStub(channel).range(sent));
        return prefix.received(response);
    }

    @Override
    public PutResponse put(PutRequest request) {
        PutRequest sent = prefix.sent(request);
        PutResponse response =
                etcd.write(channel -> KVGrpc.newBlockingStub(channel).put(sent));
        return prefix.received(response);
    }

    @Override
    public DeleteRangeResponse delete(DeleteRangeRequest request) {
        DeleteRangeRequest sent = prefix.sent(request);
        DeleteRangeResponse response =
                etcd.write(channel -> KVGrpc.newBlockingStub(channel).deleteRange(sent));
        return prefix.received(response);
    }

    @Override
    public TxnResponse txn(TxnRequest request) {
        TxnRequest sent = prefix.sent(request);
        TxnResponse response =
                etcd.write(channel -> KVGrpc.newBlockingStub(channel).txn(sent));
        return prefix.received(response);
    }

    /** Of the whole etcd. That it was done before, by whomever, is no error. */
    @Override
    public CompactionResponse compact(CompactionRequest request) {
        CompactionResponse response;
        try {
            response = etcd.read(channel -> KVGrpc.newBlockingStub(channel).compact(request));
        } catch (StoreException e) {
            if (!e.compacted()) {
                throw e;
            }
            response = CompactionResponse.getDefaultInstance();
        }
        long unused = compacted.accumulateAndGet(request.getRevision(), Math::max);
        return response;
    }

    // ---- watches

    @Override
    public Watch watch(WatchCreateRequest request, WatchObserver observer) {
        ResumingWatch watch = new ResumingWatch(
                kernel, etcd, prefix, meters, request, observer, watchNumbers.incrementAndGet(), watches::remove);
        watches.add(watch);
        try {
            var unused = watchers.start(
                    ChildSpec.task(name + "-" + watch.id(), watch::run).withRestart(ChildSpec.Restart.TEMPORARY));
        } catch (StartException e) {
            watches.remove(watch);
            throw new StoreException(Code.UNAVAILABLE, "the watch could not be started: " + e.getMessage(), e);
        }
        return watch;
    }

    // ---- leases

    /** A lease that nobody knows of ends by itself; one with a given number can be made once. */
    @Override
    public LeaseGrantResponse grant(LeaseGrantRequest request) {
        EtcdConnection.Call<LeaseGrantResponse> call =
                channel -> LeaseGrpc.newBlockingStub(channel).leaseGrant(request);
        return request.getID() == 0 ? etcd.read(call) : etcd.write(call);
    }

    @Override
    public LeaseRevokeResponse revoke(LeaseRevokeRequest request) {
        return etcd.write(channel -> LeaseGrpc.newBlockingStub(channel).leaseRevoke(request));
    }

    @Override
    public LeaseKeepAliveResponse keepAlive(LeaseKeepAliveRequest request) {
        return etcd.read(channel -> {
            BlockingClientCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call = LeaseGrpc.newBlockingV2Stub(
                            channel)
                    .withDeadlineAfter(RENEWAL.toSeconds(), TimeUnit.SECONDS)
                    .leaseKeepAlive();
            try {
                boolean unused = call.write(request);
                LeaseKeepAliveResponse answer = call.read();
                if (answer == null) {
                    throw new StatusException(Status.UNAVAILABLE.withDescription("etcd ended the stream"));
                }
                return answer;
            } finally {
                call.cancel("answered", null);
            }
        });
    }

    @Override
    public LeaseTimeToLiveResponse timeToLive(LeaseTimeToLiveRequest request) {
        LeaseTimeToLiveResponse answer =
                etcd.read(channel -> LeaseGrpc.newBlockingStub(channel).leaseTimeToLive(request));
        return answer.toBuilder()
                .clearKeys()
                .addAllKeys(answer.getKeysList().stream()
                        .filter(prefix::covers)
                        .map(prefix::without)
                        .toList())
                .build();
    }

    @Override
    public LeaseLeasesResponse leases(LeaseLeasesRequest request) {
        return etcd.read(channel -> LeaseGrpc.newBlockingStub(channel).leaseLeases(request));
    }

    // ---- how it is

    @Override
    public long revision() {
        RangeRequest anything = prefix.sent(
                RangeRequest.newBuilder().setKey(MARK).setCountOnly(true).build());
        return etcd.read(channel -> KVGrpc.newBlockingStub(channel).range(anything))
                .getHeader()
                .getRevision();
    }

    /**
     * The newest revision of the etcd. Who else writes there makes revisions that a watch below the prefix never sees: a watch
     * that does not get there by itself is shown by a write of its own that there is nothing left. (etcd's progress
     * requests would do, but before 3.4.25 and 3.5.8 they may come too early.)
     */
    @Override
    public long newestRevision() {
        long newest = revision();
        long end = kernel.clock().nanoTime() + UNTIL_MARK.toNanos();
        for (ResumingWatch watch : watches) {
            if (prefix.hides()
                    && watch.whole()
                    && !watch.reaches(newest, end - kernel.clock().nanoTime())) {
                mark(newest);
                break;
            }
        }
        return newest;
    }

    /** Many that wait share one write: any that was done after they looked. */
    private void mark(long needed) {
        try {
            if (!marking.tryLock(1, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        try {
            if (marked < needed) {
                marked = put(PutRequest.newBuilder().setKey(MARK).build())
                        .getHeader()
                        .getRevision();
                meters.marked();
            }
        } catch (StoreException e) {
            LOG.log(System.Logger.Level.DEBUG, "the next who reads marks it", e);
        } finally {
            marking.unlock();
        }
    }

    /** As far as this process compacted it. */
    @Override
    public long compactedRevision() {
        return compacted.get();
    }

    @Override
    public KeyspaceStatus status() {
        StatusResponse status = etcd.read(
                channel -> MaintenanceGrpc.newBlockingStub(channel).status(StatusRequest.getDefaultInstance()));
        List<AlarmMember> alarms = etcd.read(
                        channel -> MaintenanceGrpc.newBlockingStub(channel).alarm(AlarmRequest.getDefaultInstance()))
                .getAlarmsList();
        Set<String> raised = alarms.stream().map(each -> each.getAlarm().name()).collect(Collectors.toSet());
        int leases = leases(LeaseLeasesRequest.getDefaultInstance()).getLeasesCount();
        return new KeyspaceStatus(
                name,
                status.getHeader().getRevision(),
                compactedRevision(),
                status.getDbSizeInUse(),
                0,
                leases,
                watches.size(),
                raised);
    }
}
