package dev.coppice.store.etcd;

import static dev.coppice.store.etcd.Caller.Access.CHECKED;
import static dev.coppice.store.etcd.Caller.Access.KNOWN;

import com.google.protobuf.ByteString;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.coordination.FairQueue;
import dev.coppice.store.engine.Requests;
import java.util.List;

/** The methods of etcd's services KV and Lease. */
final class KeyMethods {
    private KeyMethods() {}

    static List<Method<?, ?>> of(MemberKeyspace keyspace, Gate gate) {
        return List.of(
                new Method<>(
                        KVGrpc.getRangeMethod(),
                        "/kv/range",
                        CHECKED,
                        RangeRequest.getDefaultInstance(),
                        (caller, request) -> {
                            Requests.check(request);
                            gate.read(caller, request.getKey(), request.getRangeEnd());
                            return keyspace.range(request);
                        }),
                new Method<>(
                        KVGrpc.getPutMethod(),
                        "/kv/put",
                        CHECKED,
                        PutRequest.getDefaultInstance(),
                        (caller, request) -> {
                            Requests.check(request);
                            return gate.checked(caller, () -> {
                                gate.put(caller, request);
                                return keyspace.put(request);
                            });
                        }),
                new Method<>(
                        KVGrpc.getDeleteRangeMethod(),
                        "/kv/deleterange",
                        CHECKED,
                        DeleteRangeRequest.getDefaultInstance(),
                        (caller, request) -> {
                            Requests.check(request);
                            return gate.checked(caller, () -> {
                                gate.write(caller, request.getKey(), request.getRangeEnd());
                                if (request.getPrevKv()) {
                                    gate.read(caller, request.getKey(), request.getRangeEnd());
                                }
                                return keyspace.delete(request);
                            });
                        }),
                new Method<>(
                        KVGrpc.getTxnMethod(),
                        "/kv/txn",
                        CHECKED,
                        TxnRequest.getDefaultInstance(),
                        (caller, request) -> {
                            Requests.check(request, keyspace.limits());
                            return gate.checked(caller, () -> {
                                gate.txn(caller, request);
                                return keyspace.txn(request);
                            });
                        }),
                new Method<>(
                        KVGrpc.getCompactMethod(),
                        "/kv/compaction",
                        KNOWN,
                        CompactionRequest.getDefaultInstance(),
                        (caller, request) -> keyspace.compact(request)),
                new Method<>(
                        LeaseGrpc.getLeaseGrantMethod(),
                        "/lease/grant",
                        KNOWN,
                        LeaseGrantRequest.getDefaultInstance(),
                        (caller, request) -> keyspace.grant(request)),
                new Method<>(
                        LeaseGrpc.getLeaseRevokeMethod(),
                        "/lease/revoke",
                        KNOWN,
                        LeaseRevokeRequest.getDefaultInstance(),
                        (caller, request) -> {
                            return gate.checked(caller, () -> {
                                gate.lease(caller, request.getID(), true);
                                return keyspace.revoke(request);
                            });
                        }),
                new Method<>(
                        LeaseGrpc.getLeaseTimeToLiveMethod(),
                        "/lease/timetolive",
                        CHECKED,
                        LeaseTimeToLiveRequest.getDefaultInstance(),
                        (caller, request) -> {
                            gate.requireUserUnlessOpen(caller);
                            if (request.getKeys()) {
                                gate.lease(caller, request.getID(), false);
                            }
                            return keyspace.timeToLive(request);
                        }),
                new Method<>(
                        LeaseGrpc.getLeaseLeasesMethod(),
                        "/lease/leases",
                        KNOWN,
                        LeaseLeasesRequest.getDefaultInstance(),
                        (caller, request) -> keyspace.leases(request)));
    }

    /** Every key with this prefix, as a range ends. */
    static ByteString prefixEnd(ByteString prefix) {
        return FairQueue.prefixEnd(prefix);
    }
}
