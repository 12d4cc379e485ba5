package dev.coppice.store.etcd;

import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.Member;
import dev.coppice.store.api.MemberAddRequest;
import dev.coppice.store.api.MemberAddResponse;
import dev.coppice.store.api.MemberListRequest;
import dev.coppice.store.api.MemberListResponse;
import dev.coppice.store.api.MemberPromoteRequest;
import dev.coppice.store.api.MemberPromoteResponse;
import dev.coppice.store.api.MemberRemoveRequest;
import dev.coppice.store.api.MemberRemoveResponse;
import dev.coppice.store.api.MemberUpdateRequest;
import dev.coppice.store.api.MemberUpdateResponse;
import dev.coppice.store.api.MoveLeaderRequest;
import dev.coppice.store.api.MoveLeaderResponse;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.log.MemberRecord;
import dev.coppice.store.raft.ClusterMember;
import dev.coppice.store.raft.Leaders;
import dev.coppice.store.raft.Membership;
import dev.coppice.store.wire.AskRequest;
import io.grpc.Status.Code;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** What the methods of etcd's service Cluster do, on whichever member they are called. */
final class ClusterMethods {

    private final MemberKeyspace keyspace;
    private final Supplier<EtcdPolicy> policy;

    ClusterMethods(MemberKeyspace keyspace, Supplier<EtcdPolicy> policy) {
        this.keyspace = keyspace;
        this.policy = policy;
    }

    /** As in etcd, what is told of members names no revision of keys. */
    private ResponseHeader header() {
        return keyspace.space().header(0);
    }

    private Optional<ClusterMember> cluster() {
        return keyspace.store().cluster();
    }

    private long self() {
        return keyspace.store().machine().memberId();
    }

    private static Member member(MemberRecord record) {
        return Member.newBuilder()
                .setID(record.getId())
                .setName(record.getName())
                .addAllPeerURLs(record.getPeerUrlsList())
                .addAllClientURLs(record.getClientUrlsList())
                .setIsLearner(record.getLearner())
                .build();
    }

    private List<Member> members() {
        List<MemberRecord> known = keyspace.store().machine().roster().members();
        if (cluster().isPresent() && !known.isEmpty()) {
            return known.stream().map(ClusterMethods::member).toList();
        }
        return List.of(Member.newBuilder()
                .setID(self())
                .setName(keyspace.store().options().name())
                .addAllClientURLs(policy.get().clientUrls())
                .addAllPeerURLs(policy.get().peerUrls())
                .build());
    }

    MemberListResponse list(MemberListRequest request) {
        if (request.getLinearizable()) {
            keyspace.store().log().barrier();
        }
        return MemberListResponse.newBuilder()
                .setHeader(header())
                .addAllMembers(members())
                .build();
    }

    private static StoreException alone() {
        return new StoreException(
                Code.UNIMPLEMENTED,
                "etcdserver: this node is no cluster: start it with --cluster NAME=HOST:PORT of its own, then others"
                        + " may join");
    }

    /** Asks the leader; waits until the change is visible here. */
    private MemberRecord ask(AskRequest.Builder request) {
        MemberRecord changed = cluster()
                .orElseThrow(ClusterMethods::alone)
                .ask(request.build())
                .getMember();
        keyspace.store().log().barrier();
        return changed;
    }

    /** Whether this node is the only member there can be; refuses requests about others then. */
    private boolean alone(long id) {
        if (cluster().isPresent()) {
            return false;
        }
        if (id != self()) {
            throw Errors.memberNotFound();
        }
        return true;
    }

    MemberAddResponse add(MemberAddRequest request) {
        Membership.check(request.getPeerURLsList());
        if (cluster().isEmpty()
                && request.getPeerURLsList().stream().anyMatch(policy.get().peerUrls()::contains)) {
            throw Errors.peerUrlExists();
        }
        MemberRecord added = ask(AskRequest.newBuilder().setMemberAdd(request));
        return MemberAddResponse.newBuilder()
                .setHeader(header())
                .setMember(member(added))
                .addAllMembers(members())
                .build();
    }

    MemberRemoveResponse remove(MemberRemoveRequest request) {
        if (alone(request.getID())) {
            throw Errors.notEnoughStarted();
        }
        MemberRecord unused = ask(AskRequest.newBuilder().setMemberRemove(request));
        return MemberRemoveResponse.newBuilder()
                .setHeader(header())
                .addAllMembers(members())
                .build();
    }

    MemberUpdateResponse update(MemberUpdateRequest request) {
        // As in etcd, that it is known comes first.
        boolean same = alone(request.getID())
                && Set.copyOf(request.getPeerURLsList())
                        .equals(Set.copyOf(policy.get().peerUrls()));
        if (!same) {
            if (cluster().isEmpty()) {
                Membership.check(request.getPeerURLsList());
            }
            MemberRecord unused = ask(AskRequest.newBuilder().setMemberUpdate(request));
        }
        return MemberUpdateResponse.newBuilder()
                .setHeader(header())
                .addAllMembers(members())
                .build();
    }

    MemberPromoteResponse promote(MemberPromoteRequest request) {
        if (alone(request.getID())) {
            throw Errors.memberNotLearner();
        }
        MemberRecord unused = ask(AskRequest.newBuilder().setMemberPromote(request));
        return MemberPromoteResponse.newBuilder()
                .setHeader(header())
                .addAllMembers(members())
                .build();
    }

    MoveLeaderResponse moveLeader(MoveLeaderRequest request) {
        Optional<ClusterMember> cluster = cluster();
        if (cluster.isPresent()) {
            cluster.get().moveLeader(request.getTargetID());
        } else if (request.getTargetID() != self()) {
            throw Errors.badTransferee();
        }
        return MoveLeaderResponse.getDefaultInstance();
    }

    /** The leader's identifier; 0 when there is none. */
    long leader() {
        Leaders.Leader leader = keyspace.store().log().leaders().current();
        if (leader == null) {
            return 0;
        }
        return leader.self()
                ? self()
                : cluster().map(cluster -> cluster.id(leader.raft())).orElse(0L);
    }

    boolean learner() {
        return keyspace.store()
                .machine()
                .roster()
                .member(self())
                .map(MemberRecord::getLearner)
                .orElse(false);
    }
}
