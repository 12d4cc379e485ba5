package dev.coppice.store.etcd;

import static dev.coppice.store.etcd.Caller.Access.KNOWN;

import com.google.protobuf.ByteString;
import dev.coppice.store.Keyspace;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.CampaignRequest;
import dev.coppice.store.api.CampaignResponse;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.ElectionGrpc;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaderKey;
import dev.coppice.store.api.LeaderRequest;
import dev.coppice.store.api.LeaderResponse;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LockGrpc;
import dev.coppice.store.api.LockRequest;
import dev.coppice.store.api.LockResponse;
import dev.coppice.store.api.ProclaimRequest;
import dev.coppice.store.api.ProclaimResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.ResignRequest;
import dev.coppice.store.api.ResignResponse;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.UnlockRequest;
import dev.coppice.store.api.UnlockResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.Context;
import io.grpc.Status.Code;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The methods of etcd's services Lock and Election, on top of a keyspace, as etcd's client library does it: every candidate puts a key
 * named after its lease below the name, and waits for the deletion of those that came before.
 *
 * @see <a href="https://pkg.go.dev/go.etcd.io/etcd/client/v3/concurrency">concurrency</a>
 */
final class LockMethods {

    private static final long DEFAULT_TTL_SECONDS = 60;

    private final MemberKeyspace keyspace;
    private final Gate gate;

    private LockMethods(MemberKeyspace keyspace, Gate gate) {
        this.keyspace = keyspace;
        this.gate = gate;
    }

    static List<Method<?, ?>> of(MemberKeyspace keyspace, Gate gate) {
        LockMethods methods = new LockMethods(keyspace, gate);
        return List.of(
                new Method<>(
                        LockGrpc.getLockMethod(), "/lock/lock", KNOWN, LockRequest.getDefaultInstance(), methods::lock),
                new Method<>(
                        LockGrpc.getUnlockMethod(),
                        "/lock/unlock",
                        KNOWN,
                        UnlockRequest.getDefaultInstance(),
                        methods::unlock),
                new Method<>(
                        ElectionGrpc.getCampaignMethod(),
                        "/election/campaign",
                        KNOWN,
                        CampaignRequest.getDefaultInstance(),
                        methods::campaign),
                new Method<>(
                        ElectionGrpc.getProclaimMethod(),
                        "/election/proclaim",
                        KNOWN,
                        ProclaimRequest.getDefaultInstance(),
                        methods::proclaim),
                new Method<>(
                        ElectionGrpc.getLeaderMethod(),
                        "/election/leader",
                        KNOWN,
                        LeaderRequest.getDefaultInstance(),
                        methods::leader),
                new Method<>(
                        ElectionGrpc.getResignMethod(),
                        "/election/resign",
                        KNOWN,
                        ResignRequest.getDefaultInstance(),
                        methods::resign));
    }

    // ---- candidates

    /** A candidate's key, the revision that made it, and the header of the answer that tells that it came first. */
    private record Place(ByteString key, long revision, ResponseHeader header) {}

    private static ByteString below(ByteString name) {
        return name.concat(ByteString.copyFromUtf8("/"));
    }

    private long lease(long asked) {
        return asked != 0
                ? asked
                : keyspace.grant(LeaseGrantRequest.newBuilder()
                                .setTTL(DEFAULT_TTL_SECONDS)
                                .build())
                        .getID();
    }

    private static TxnRequest.Builder ifCreatedAt(ByteString key, long revision) {
        return TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(key)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setCreateRevision(revision));
    }

    private static RequestOp put(ByteString key, ByteString value, long lease) {
        return RequestOp.newBuilder()
                .setRequestPut(
                        PutRequest.newBuilder().setKey(key).setValue(value).setLease(lease))
                .build();
    }

    private Place stand(ByteString name, ByteString value, long lease) {
        ByteString key = below(name).concat(ByteString.copyFromUtf8(Long.toHexString(lease)));
        TxnResponse answer = keyspace.txn(ifCreatedAt(key, 0)
                .addSuccess(put(key, value, lease))
                .addFailure(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder().setKey(key)))
                .build());
        if (answer.getSucceeded()) {
            return new Place(key, answer.getHeader().getRevision(), answer.getHeader());
        }
        KeyValue mine = answer.getResponses(0).getResponseRange().getKvs(0);
        return new Place(key, mine.getCreateRevision(), answer.getHeader());
    }

    /** Waits until nobody stands before; when the caller goes away meanwhile, it no longer stands. */
    private Place awaitTurn(ByteString name, Place place) {
        try {
            while (true) {
                RangeResponse before = keyspace.range(RangeRequest.newBuilder()
                        .setKey(below(name))
                        .setRangeEnd(KeyMethods.prefixEnd(below(name)))
                        .setMaxCreateRevision(place.revision() - 1)
                        .setSortTarget(RangeRequest.SortTarget.CREATE)
                        .setSortOrder(RangeRequest.SortOrder.DESCEND)
                        .setLimit(1)
                        .build());
                if (before.getKvsCount() == 0) {
                    return new Place(place.key(), place.revision(), before.getHeader());
                }
                awaitDeletion(
                        keyspace, before.getKvs(0).getKey(), before.getHeader().getRevision() + 1);
            }
        } catch (StoreException e) {
            var unused = keyspace.delete(
                    DeleteRangeRequest.newBuilder().setKey(place.key()).build());
            throw e;
        }
    }

    private static void awaitDeletion(Keyspace keyspace, ByteString key, long from) {
        CountDownLatch done = new CountDownLatch(1);
        WatchObserver observer = new WatchObserver() {
            @Override
            public void response(WatchResponse response) {
                if (response.getEventsList().stream().anyMatch(each -> each.getType() == Event.EventType.DELETE)) {
                    done.countDown();
                }
            }

            @Override
            public void closed(@Nullable Throwable error) {
                done.countDown();
            }
        };
        Context context = Context.current();
        Context.CancellationListener listener = cancelled -> done.countDown();
        context.addListener(listener, Runnable::run);
        WatchCreateRequest request = WatchCreateRequest.newBuilder()
                .setKey(key)
                .setStartRevision(from)
                .build();
        try (Watch unused = keyspace.watch(request, observer)) {
            done.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(Code.CANCELLED, "etcdserver: the wait for the lock was interrupted", e);
        } finally {
            context.removeListener(listener);
        }
        if (context.isCancelled()) {
            throw new StoreException(Code.CANCELLED, "etcdserver: the caller no longer waits for the lock");
        }
    }

    // ---- methods

    private LockResponse lock(Caller caller, LockRequest request) {
        ByteString prefix = below(request.getName());
        gate.read(caller, prefix, KeyMethods.prefixEnd(prefix));
        gate.write(caller, prefix, KeyMethods.prefixEnd(prefix));
        Place place = stand(request.getName(), ByteString.EMPTY, lease(request.getLease()));
        Place first = awaitTurn(request.getName(), place);
        return LockResponse.newBuilder()
                .setHeader(first.header())
                .setKey(first.key())
                .build();
    }

    private UnlockResponse unlock(Caller caller, UnlockRequest request) {
        gate.write(caller, request.getKey(), ByteString.EMPTY);
        return UnlockResponse.newBuilder()
                .setHeader(keyspace.delete(DeleteRangeRequest.newBuilder()
                                .setKey(request.getKey())
                                .build())
                        .getHeader())
                .build();
    }

    private CampaignResponse campaign(Caller caller, CampaignRequest request) {
        ByteString prefix = below(request.getName());
        gate.read(caller, prefix, KeyMethods.prefixEnd(prefix));
        gate.write(caller, prefix, KeyMethods.prefixEnd(prefix));
        long lease = lease(request.getLease());
        Place place = stand(request.getName(), request.getValue(), lease);
        LeaderKey key = LeaderKey.newBuilder()
                .setName(request.getName())
                .setKey(place.key())
                .setRev(place.revision())
                .setLease(lease)
                .build();
        if (place.header().getRevision() != place.revision()) {
            ResponseHeader unused = proclaim(key, request.getValue());
        }
        Place first = awaitTurn(request.getName(), place);
        return CampaignResponse.newBuilder()
                .setHeader(first.header())
                .setLeader(key)
                .build();
    }

    private ResponseHeader proclaim(LeaderKey leader, ByteString value) {
        TxnResponse answer = keyspace.txn(ifCreatedAt(leader.getKey(), leader.getRev())
                .addSuccess(put(leader.getKey(), value, leader.getLease()))
                .build());
        if (!answer.getSucceeded()) {
            throw new StoreException(Code.UNKNOWN, "election: not leader");
        }
        return answer.getHeader();
    }

    private ProclaimResponse proclaim(Caller caller, ProclaimRequest request) {
        gate.write(caller, request.getLeader().getKey(), ByteString.EMPTY);
        return ProclaimResponse.newBuilder()
                .setHeader(proclaim(request.getLeader(), request.getValue()))
                .build();
    }

    private LeaderResponse leader(Caller caller, LeaderRequest request) {
        gate.read(caller, below(request.getName()), KeyMethods.prefixEnd(below(request.getName())));
        LeaderResponse found = leader(keyspace, request.getName());
        if (found == null) {
            throw new StoreException(Code.UNKNOWN, "election: no leader");
        }
        return found;
    }

    /** Who leads an election, or null. */
    static @Nullable LeaderResponse leader(Keyspace keyspace, ByteString name) {
        RangeResponse first = keyspace.range(RangeRequest.newBuilder()
                .setKey(below(name))
                .setRangeEnd(KeyMethods.prefixEnd(below(name)))
                .setSortTarget(RangeRequest.SortTarget.CREATE)
                .setSortOrder(RangeRequest.SortOrder.ASCEND)
                .setLimit(1)
                .build());
        return first.getKvsCount() == 0
                ? null
                : LeaderResponse.newBuilder()
                        .setHeader(first.getHeader())
                        .setKv(first.getKvs(0))
                        .build();
    }

    private ResignResponse resign(Caller caller, ResignRequest request) {
        LeaderKey leader = request.getLeader();
        gate.write(caller, leader.getKey(), ByteString.EMPTY);
        TxnResponse answer = keyspace.txn(ifCreatedAt(leader.getKey(), leader.getRev())
                .addSuccess(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(leader.getKey())))
                .build());
        return ResignResponse.newBuilder().setHeader(answer.getHeader()).build();
    }
}
