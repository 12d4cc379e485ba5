package dev.coppice.store.etcd;

import static dev.coppice.store.etcd.Caller.Access.KNOWN;

import com.google.protobuf.ByteString;
import dev.coppice.store.Keyspace;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.CampaignRequest;
import dev.coppice.store.api.CampaignResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.ElectionGrpc;
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
import dev.coppice.store.coordination.ContenderKey;
import dev.coppice.store.coordination.FairQueue;
import dev.coppice.store.coordination.FairQueue.Place;
import dev.coppice.store.coordination.Patience;
import dev.coppice.store.coordination.SessionExpiredException;
import io.grpc.Context;
import io.grpc.Status.Code;
import java.util.List;
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
    private final FairQueue queue;

    private LockMethods(MemberKeyspace keyspace, Gate gate) {
        this.keyspace = keyspace;
        this.gate = gate;
        this.queue = new FairQueue(keyspace);
    }

    static List<Method<?, ?>> of(MemberKeyspace keyspace, Gate gate) {
        LockMethods methods = new LockMethods(keyspace, gate);
        return List.of(
                new Method<>(
                        LockGrpc.getLockMethod(),
                        "/lock/lock",
                        KNOWN,
                        LockRequest.getDefaultInstance(),
                        plain(methods::lock)),
                new Method<>(
                        LockGrpc.getUnlockMethod(),
                        "/lock/unlock",
                        KNOWN,
                        UnlockRequest.getDefaultInstance(),
                        plain(methods::unlock)),
                new Method<>(
                        ElectionGrpc.getCampaignMethod(),
                        "/election/campaign",
                        KNOWN,
                        CampaignRequest.getDefaultInstance(),
                        plain(methods::campaign)),
                new Method<>(
                        ElectionGrpc.getProclaimMethod(),
                        "/election/proclaim",
                        KNOWN,
                        ProclaimRequest.getDefaultInstance(),
                        plain(methods::proclaim)),
                new Method<>(
                        ElectionGrpc.getLeaderMethod(),
                        "/election/leader",
                        KNOWN,
                        LeaderRequest.getDefaultInstance(),
                        plain(methods::leader)),
                new Method<>(
                        ElectionGrpc.getResignMethod(),
                        "/election/resign",
                        KNOWN,
                        ResignRequest.getDefaultInstance(),
                        plain(methods::resign)));
    }

    /**
     * etcd's services Lock and Election are clients of the others in the same process, and what those refuse is told without
     * its code.
     */
    private static <Q, A> Method.Body<Q, A> plain(Method.Body<Q, A> body) {
        return (caller, request) -> {
            try {
                return body.call(caller, request);
            } catch (StoreException e) {
                // A client has to know when to try again.
                throw e.code() == Code.CANCELLED || e.code() == Code.UNAVAILABLE
                        ? e
                        : new StoreException(Code.UNKNOWN, String.valueOf(e.getMessage()), e);
            }
        };
    }

    private static void refuseMissing(boolean hasLeader) {
        if (!hasLeader) {
            throw new StoreException(Code.UNKNOWN, "\"leader\" field must be provided");
        }
    }

    // ---- candidates

    private static ByteString below(ByteString name) {
        return ContenderKey.below(name);
    }

    private long lease(long asked) {
        return asked != 0
                ? asked
                : keyspace.grant(LeaseGrantRequest.newBuilder()
                                .setTTL(DEFAULT_TTL_SECONDS)
                                .build())
                        .getID();
    }

    private Place stand(ByteString name, ByteString value, long lease) {
        return queue.stand(ContenderKey.of(name, lease), value, lease);
    }

    /** Waits until nobody stands before; when the caller goes away meanwhile, it no longer stands. */
    private ResponseHeader awaitTurn(ByteString name, Place place, String what) {
        Patience patience = new Patience();
        Context context = Context.current();
        Context.CancellationListener listener = cancelled -> patience.end();
        context.addListener(listener, Runnable::run);
        try {
            return queue.awaitTurn(place, FairQueue.Turn.exclusive(name), patience)
                    .orElseThrow(() ->
                            new StoreException(Code.CANCELLED, "etcdserver: the caller no longer waits for the lock"));
        } catch (SessionExpiredException e) {
            throw new StoreException(Code.UNKNOWN, what + ": session is expired", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            boolean _ = queue.leave(place);
            throw new StoreException(Code.CANCELLED, "etcdserver: the wait for the lock was interrupted", e);
        } catch (StoreException e) {
            boolean _ = queue.leave(place);
            throw e;
        } finally {
            context.removeListener(listener);
        }
    }

    // ---- methods

    private LockResponse lock(Caller caller, LockRequest request) {
        ByteString prefix = below(request.getName());
        gate.read(caller, prefix, KeyMethods.prefixEnd(prefix));
        gate.write(caller, prefix, KeyMethods.prefixEnd(prefix));
        Place place = stand(request.getName(), ByteString.EMPTY, lease(request.getLease()));
        return LockResponse.newBuilder()
                .setHeader(awaitTurn(request.getName(), place, "mutex"))
                .setKey(place.key())
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
        if (!place.value().equals(request.getValue())) {
            ResponseHeader unused = proclaim(key, request.getValue());
        }
        ResponseHeader unused = awaitTurn(request.getName(), place, "election");
        // As etcd's: of when it stood, not of when its turn came.
        return CampaignResponse.newBuilder()
                .setHeader(place.header())
                .setLeader(key)
                .build();
    }

    private ResponseHeader proclaim(LeaderKey leader, ByteString value) {
        TxnResponse answer = keyspace.txn(TxnRequest.newBuilder()
                .addCompare(FairQueue.createdAt(leader.getKey(), leader.getRev()))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(leader.getKey())
                                .setValue(value)
                                .setLease(leader.getLease())))
                .build());
        if (!answer.getSucceeded()) {
            throw new StoreException(Code.UNKNOWN, "election: not leader");
        }
        return answer.getHeader();
    }

    /** As in etcd, whose transactions compare the key before they change it. */
    private void readAndWrite(Caller caller, ByteString key) {
        gate.read(caller, key, ByteString.EMPTY);
        gate.write(caller, key, ByteString.EMPTY);
    }

    private ProclaimResponse proclaim(Caller caller, ProclaimRequest request) {
        refuseMissing(request.hasLeader());
        readAndWrite(caller, request.getLeader().getKey());
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
        refuseMissing(request.hasLeader());
        LeaderKey leader = request.getLeader();
        readAndWrite(caller, leader.getKey());
        TxnResponse answer = keyspace.txn(TxnRequest.newBuilder()
                .addCompare(FairQueue.createdAt(leader.getKey(), leader.getRev()))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(leader.getKey())))
                .build());
        return ResignResponse.newBuilder().setHeader(answer.getHeader()).build();
    }
}
