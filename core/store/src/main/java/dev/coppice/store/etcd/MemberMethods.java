package dev.coppice.store.etcd;

import static dev.coppice.store.etcd.Caller.Access.ADMINISTRATOR;
import static dev.coppice.store.etcd.Caller.Access.CHECKED;
import static dev.coppice.store.etcd.Caller.Access.KNOWN;

import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmResponse;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.ClusterGrpc;
import dev.coppice.store.api.DefragmentRequest;
import dev.coppice.store.api.DefragmentResponse;
import dev.coppice.store.api.DowngradeRequest;
import dev.coppice.store.api.DowngradeResponse;
import dev.coppice.store.api.HashKVRequest;
import dev.coppice.store.api.HashKVResponse;
import dev.coppice.store.api.HashRequest;
import dev.coppice.store.api.HashResponse;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.MemberAddRequest;
import dev.coppice.store.api.MemberListRequest;
import dev.coppice.store.api.MemberPromoteRequest;
import dev.coppice.store.api.MemberRemoveRequest;
import dev.coppice.store.api.MemberUpdateRequest;
import dev.coppice.store.api.MoveLeaderRequest;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.StatusRequest;
import dev.coppice.store.api.StatusResponse;
import dev.coppice.store.engine.Space;
import dev.coppice.store.engine.SpaceReads;
import dev.coppice.store.log.Command;
import io.grpc.Status.Code;
import java.util.List;
import java.util.function.Supplier;

/** The methods of etcd's services Cluster and Maintenance. */
final class MemberMethods {

    /** The version of etcd whose behaviour this is. */
    static final String VERSION = "3.5.17";

    static final String CLUSTER_VERSION = "3.5.0";

    private final MemberKeyspace keyspace;
    private final Gate gate;
    private final ClusterMethods cluster;

    private MemberMethods(MemberKeyspace keyspace, Gate gate, ClusterMethods cluster) {
        this.keyspace = keyspace;
        this.gate = gate;
        this.cluster = cluster;
    }

    static List<Method<?, ?>> of(MemberKeyspace keyspace, Gate gate, Supplier<EtcdPolicy> policy) {
        return new MemberMethods(keyspace, gate, new ClusterMethods(keyspace, policy)).all();
    }

    private ResponseHeader header() {
        return keyspace.space().header(keyspace.revision());
    }

    private List<Method<?, ?>> all() {
        return List.of(
                new Method<>(
                        ClusterGrpc.getMemberListMethod(),
                        "/cluster/member/list",
                        CHECKED,
                        MemberListRequest.getDefaultInstance(),
                        (caller, request) -> {
                            gate.requireUserUnlessOpen(caller);
                            return cluster.list(request);
                        }),
                new Method<>(
                        ClusterGrpc.getMemberAddMethod(),
                        "/cluster/member/add",
                        ADMINISTRATOR,
                        MemberAddRequest.getDefaultInstance(),
                        (caller, request) -> cluster.add(request)),
                new Method<>(
                        ClusterGrpc.getMemberRemoveMethod(),
                        "/cluster/member/remove",
                        ADMINISTRATOR,
                        MemberRemoveRequest.getDefaultInstance(),
                        (caller, request) -> cluster.remove(request)),
                new Method<>(
                        ClusterGrpc.getMemberUpdateMethod(),
                        "/cluster/member/update",
                        ADMINISTRATOR,
                        MemberUpdateRequest.getDefaultInstance(),
                        (caller, request) -> cluster.update(request)),
                new Method<>(
                        ClusterGrpc.getMemberPromoteMethod(),
                        "/cluster/member/promote",
                        ADMINISTRATOR,
                        MemberPromoteRequest.getDefaultInstance(),
                        (caller, request) -> cluster.promote(request)),
                new Method<>(
                        MaintenanceGrpc.getAlarmMethod(),
                        "/maintenance/alarm",
                        KNOWN,
                        AlarmRequest.getDefaultInstance(),
                        (caller, request) -> (AlarmResponse)
                                keyspace.propose(Command.newBuilder().setAlarm(request))),
                new Method<>(
                        MaintenanceGrpc.getStatusMethod(),
                        "/maintenance/status",
                        CHECKED,
                        StatusRequest.getDefaultInstance(),
                        (caller, request) -> {
                            gate.requireUserUnlessOpen(caller);
                            return status();
                        }),
                new Method<>(
                        MaintenanceGrpc.getDefragmentMethod(),
                        "/maintenance/defragment",
                        ADMINISTRATOR,
                        DefragmentRequest.getDefaultInstance(),
                        (caller, request) -> {
                            keyspace.store().machine().defragment(keyspace.space());
                            return DefragmentResponse.getDefaultInstance();
                        }),
                new Method<>(
                        MaintenanceGrpc.getHashMethod(),
                        "/maintenance/hash",
                        ADMINISTRATOR,
                        HashRequest.getDefaultInstance(),
                        (caller, request) -> HashResponse.newBuilder()
                                .setHeader(header())
                                .setHash(keyspace.space().reads().hash())
                                .build()),
                new Method<>(
                        MaintenanceGrpc.getHashKVMethod(),
                        "/maintenance/hashkv",
                        ADMINISTRATOR,
                        HashKVRequest.getDefaultInstance(),
                        (caller, request) -> hash(request)),
                new Method<>(
                        MaintenanceGrpc.getMoveLeaderMethod(),
                        "/maintenance/transfer-leadership",
                        ADMINISTRATOR,
                        MoveLeaderRequest.getDefaultInstance(),
                        (caller, request) -> cluster.moveLeader(request)),
                new Method<>(
                        MaintenanceGrpc.getDowngradeMethod(),
                        "/maintenance/downgrade",
                        ADMINISTRATOR,
                        DowngradeRequest.getDefaultInstance(),
                        (caller, request) -> downgrade(request)));
    }

    private HashKVResponse hash(HashKVRequest request) {
        SpaceReads.Hash hash = keyspace.space().reads().hash(request.getRevision());
        return HashKVResponse.newBuilder()
                .setHeader(header())
                .setHash(hash.value())
                .setCompactRevision(hash.compacted())
                .build();
    }

    private static DowngradeResponse downgrade(DowngradeRequest request) {
        if (request.getAction() == DowngradeRequest.DowngradeAction.CANCEL) {
            throw new StoreException(Code.FAILED_PRECONDITION, "etcdserver: no inflight downgrade job");
        }
        throw new StoreException(Code.INVALID_ARGUMENT, "etcdserver: invalid downgrade target version");
    }

    /** As etcd prints it: fields that have their default are left out. */
    private static String text(AlarmMember alarm) {
        String member = alarm.getMemberID() == 0 ? "" : "memberID:" + Long.toUnsignedString(alarm.getMemberID()) + " ";
        return alarm.getAlarm() == AlarmType.NONE ? member : member + "alarm:" + alarm.getAlarm() + " ";
    }

    private StatusResponse status() {
        Space space = keyspace.space();
        StatusResponse.Builder response = StatusResponse.newBuilder()
                .setHeader(header())
                .setVersion(VERSION)
                .setDbSize(keyspace.store().machine().fileBytes())
                .setDbSizeInUse(space.bytes())
                .setLeader(cluster.leader())
                .setIsLearner(cluster.learner())
                .setRaftTerm(keyspace.store().log().term())
                .setRaftIndex(keyspace.store().log().committed())
                .setRaftAppliedIndex(keyspace.store().machine().applied());
        if (response.getLeader() == 0) {
            response.addErrors("etcdserver: no leader");
        }
        for (AlarmMember each : space.alarmMembers()) {
            response.addErrors(text(each));
        }
        return response.build();
    }
}
