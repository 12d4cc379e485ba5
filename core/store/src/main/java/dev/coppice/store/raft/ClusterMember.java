package dev.coppice.store.raft;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.LeaseTimeToLiveResponse;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Lessor;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.Space;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.DefineKeyspace;
import dev.coppice.store.log.JoinToken;
import dev.coppice.store.log.MemberRecord;
import dev.coppice.store.raft.Leaders.Leader;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.AskResponse;
import dev.coppice.store.wire.Election;
import dev.coppice.store.wire.Failure;
import dev.coppice.store.wire.LeaseQuestion;
import dev.coppice.store.wire.MemberStatus;
import dev.coppice.store.wire.StatusQuestion;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A member of a cluster of several: asks the leader what only the leader knows, and answers when it is the leader. Safe for
 * use by many threads.
 */
public final class ClusterMember {

    private static final System.Logger LOG = System.getLogger(ClusterMember.class.getName());

    private static final Duration TIMEOUT = Duration.ofSeconds(7);
    private static final Duration PAUSE = Duration.ofMillis(20);
    private static final Duration STATUS_TIMEOUT = Duration.ofSeconds(1);

    private final Kernel kernel;
    private final Machine machine;
    private final RaftLog log;
    private final ClusterSettings settings;
    private final List<String> keyspaces;
    private final Membership membership;
    private volatile boolean toldRemoved;

    /** Questions on their way that may be asked again; bounded by who waits for them. */
    private final Set<Asked> pending = ConcurrentHashMap.newKeySet();

    private record Asked(Leader leader, CompletableFuture<AskResponse> answer) {}

    ClusterMember(Kernel kernel, Machine machine, RaftLog log, ClusterSettings settings, List<String> keyspaces) {
        this.kernel = kernel;
        this.machine = machine;
        this.log = log;
        this.settings = settings;
        this.keyspaces = keyspaces;
        this.membership = new Membership(kernel, machine, log);
        log.leaders().onChange(this::endAskedOfOthers);
    }

    // ---- asking

    /** Asks whoever leads; asks again while it is not clear who does. Errors are etcd's. */
    public AskResponse ask(AskRequest request) {
        long end = kernel.clock().nanoTime() + TIMEOUT.toNanos();
        while (true) {
            Leader leader = log.leaders().await();
            AskResponse answer = leader.self() ? answer(request) : remotely(leader, request);
            if (!answer.hasFailure()) {
                return answer;
            }
            StoreException error = error(answer.getFailure());
            boolean again =
                    String.valueOf(error.getMessage()).equals(Errors.noLeader().getMessage());
            if (!again || kernel.clock().nanoTime() > end) {
                throw error;
            }
            pause();
        }
    }

    /**
     * A leader that is cut off never answers. Whoever only renews or reads turns to the next one as soon as it is known; what
     * changes members waits for its time, since it may have been done.
     */
    private AskResponse remotely(Leader leader, AskRequest request) {
        CompletableFuture<AskResponse> answer = new CompletableFuture<>();
        Asked asked = new Asked(leader, answer);
        boolean repeatable = request.hasRenew() || request.hasTimeToLive();
        if (repeatable) {
            pending.add(asked);
            endAskedOfOthers();
        }
        try {
            return remotely(leader.raft(), request, TIMEOUT, answer);
        } finally {
            pending.remove(asked);
        }
    }

    private void endAskedOfOthers() {
        Leader now = log.leaders().current();
        for (Asked each : pending) {
            if (!each.leader.equals(now)) {
                each.answer.complete(failed(Errors.noLeader()));
            }
        }
    }

    private void pause() {
        try {
            kernel.timers().sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.stopped();
        }
    }

    private AskResponse remotely(
            String to, AskRequest request, Duration timeout, CompletableFuture<AskResponse> answer) {
        PeerTransport way = log.transport();
        if (way == null) {
            return failed(Errors.stopped());
        }
        way.call(to, PeerMethods.ASK, request, timeout.toMillis(), new PeerTransport.Answer<>() {
            @Override
            public void answered(AskResponse response) {
                answer.complete(response);
            }

            @Override
            public void failed(Throwable error) {
                answer.completeExceptionally(error);
            }
        });
        try {
            return answer.get(timeout.toMillis() + 100, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            return failed(Errors.timeoutByLeader());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed(Errors.stopped());
        }
    }

    private static StoreException error(Failure failure) {
        return new StoreException(Status.fromCodeValue(failure.getCode()).getCode(), failure.getText());
    }

    private static AskResponse failed(StoreException error) {
        return AskResponse.newBuilder()
                .setFailure(
                        Failure.newBuilder().setCode(error.code().value()).setText(String.valueOf(error.getMessage())))
                .build();
    }

    // ---- answering

    AskResponse answer(AskRequest request) {
        try {
            return answered(request).build();
        } catch (StoreException e) {
            return failed(e);
        }
    }

    private AskResponse.Builder answered(AskRequest request) {
        if (!request.hasStatus() && !log.leading()) {
            throw Errors.noLeader();
        }
        AskResponse.Builder response = AskResponse.newBuilder();
        return switch (request.getQuestionCase()) {
            case RENEW -> response.setTtlSeconds(renew(request.getRenew()));
            case TIME_TO_LIVE -> response.setTimeToLive(timeToLive(request.getTimeToLive()));
            case MEMBER_ADD -> response.setMember(membership.add(request.getMemberAdd()));
            case MEMBER_REMOVE -> response.setMember(membership.remove(request.getMemberRemove()));
            case MEMBER_UPDATE -> response.setMember(membership.update(request.getMemberUpdate()));
            case MEMBER_PROMOTE -> response.setMember(membership.promote(request.getMemberPromote()));
            case JOIN -> response.setMember(membership.join(request.getJoin()));
            case STATUS ->
                response.setStatus(status().toBuilder()
                        .setAskerRemoved(
                                machine.roster().removed(request.getStatus().getAsker())));
            case RELAY -> response.setRelay(settings.services().relay(request.getRelay()));
            case QUESTION_NOT_SET -> throw Errors.badPeerUrls();
        };
    }

    private Space space(String keyspace) {
        return machine.space(keyspace).orElseThrow(Errors::noLeader);
    }

    /** Only by a leader that a majority still follows: another one might have ended the lease. */
    private long renew(LeaseQuestion question) {
        log.barrier();
        if (!log.leading()) {
            throw Errors.noLeader();
        }
        return space(question.getKeyspace()).lessor().renew(question.getId());
    }

    private LeaseTimeToLiveResponse timeToLive(LeaseQuestion question) {
        log.barrier();
        Space space = space(question.getKeyspace());
        LeaseTimeToLiveResponse.Builder response = LeaseTimeToLiveResponse.newBuilder()
                .setHeader(space.header(space.revision()))
                .setID(question.getId());
        Lessor.Time time = space.lessor().time(question.getId());
        if (time == null) {
            return response.setTTL(-1).build();
        }
        if (question.getKeys()) {
            response.addAllKeys(space.reads().leaseKeys(question.getId()));
        }
        return response.setTTL(time.remainingSeconds())
                .setGrantedTTL(time.grantedSeconds())
                .build();
    }

    // ---- what it does regularly

    /**
     * Does what is due: the leader defines what is missing and makes the library's configuration follow the roster; every
     * member tells who it is.
     *
     * @param name of this member
     * @param clientUrls where clients reach it
     */
    public void tend(String name, List<String> clientUrls) {
        try {
            if (log.leading()) {
                define();
                found();
                membership.settle();
            }
            publish(name, clientUrls);
            if (log.leaders().given() && !removed()) {
                toldRemoved = toldByOthers();
            }
        } catch (StoreException e) {
            LOG.log(System.Logger.Level.DEBUG, "the cluster is looked at again later: {0}", e.getMessage());
        }
    }

    private void define() {
        for (String name : keyspaces) {
            if (machine.space(name).isEmpty()) {
                var unused = log.propose(Command.newBuilder()
                        .setDefineKeyspace(DefineKeyspace.newBuilder()
                                .setName(name)
                                .setClusterId(kernel.secureRandom().nextLong() & Long.MAX_VALUE | 1L << 62))
                        .build());
            }
        }
    }

    /** The first leader writes down who began the cluster. */
    private void found() {
        if (!machine.roster().members().isEmpty()) {
            return;
        }
        for (Map.Entry<Long, String> founder : settings.founders().entrySet()) {
            long id = founder.getKey();
            String raft = id == machine.memberId() ? log.self().toString() : Membership.raftName(id);
            var unused = log.propose(Command.newBuilder()
                    .setAddMember(
                            MemberRecord.newBuilder().setId(id).setRaft(raft).addPeerUrls(founder.getValue()))
                    .build());
        }
    }

    private void publish(String name, List<String> clientUrls) {
        MemberRecord known = machine.roster().member(machine.memberId()).orElse(null);
        if (known == null || log.leaders().current() == null) {
            return;
        }
        boolean told = known.getName().equals(name) && known.getClientUrlsList().equals(clientUrls);
        if (!told) {
            var unused = log.propose(Command.newBuilder()
                    .setUpdateMember(
                            known.toBuilder().setName(name).clearClientUrls().addAllClientUrls(clientUrls))
                    .build());
        }
    }

    /** Lets one node join that shows the secret, of which the hash only is kept. */
    public void keepToken(String id, byte[] secret, Instant end) {
        var unused = log.propose(Command.newBuilder()
                .setCreateToken(JoinToken.newBuilder()
                        .setId(id)
                        .setSecretHash(ByteString.copyFrom(Membership.sha256(secret)))
                        .setExpiresAt(end.toEpochMilli()))
                .build());
    }

    public void moveLeader(long target) {
        membership.moveLeader(target);
    }

    /** Whether this member was removed from the cluster, as far as it was told. */
    public boolean removed() {
        return toldRemoved || machine.roster().removed(machine.memberId());
    }

    /** The others may have removed it while it was away, and then say nothing to it any more unless they are asked. */
    private boolean toldByOthers() {
        return machine.roster().members().stream()
                .filter(each -> each.getId() != machine.memberId())
                .anyMatch(each -> ask(each).getAskerRemoved());
    }

    // ---- how it is

    /** How a member is, as itself tells; empty of everything but its identifier when it does not answer. */
    public MemberStatus status(MemberRecord member) {
        if (member.getId() == machine.memberId()) {
            return status();
        }
        return ask(member);
    }

    private MemberStatus ask(MemberRecord member) {
        AskResponse answer = remotely(
                member.getRaft(),
                AskRequest.newBuilder()
                        .setStatus(StatusQuestion.newBuilder().setAsker(machine.memberId()))
                        .build(),
                STATUS_TIMEOUT,
                new CompletableFuture<>());
        return answer.hasStatus()
                ? answer.getStatus()
                : MemberStatus.newBuilder().setId(member.getId()).build();
    }

    private MemberStatus status() {
        Leader leader = log.leaders().current();
        MemberStatus.Builder status = MemberStatus.newBuilder()
                .setId(machine.memberId())
                .setRole(role(leader))
                .setTerm(log.term())
                .setLeader(leader == null ? 0 : id(leader.raft()))
                .setLastIndex(log.node().getLastLogIndex())
                .setCommittedIndex(log.committed())
                .setAppliedIndex(machine.applied())
                .setBytes(machine.fileBytes());
        for (Leaders.Election each : log.leaders().history()) {
            status.addElections(Election.newBuilder()
                    .setTerm(each.leader().term())
                    .setLeader(id(each.leader().raft()))
                    .setAt(each.at().toEpochMilli()));
        }
        if (log.leading()) {
            progress(status);
        }
        return status.build();
    }

    private String role(@org.jspecify.annotations.Nullable Leader leader) {
        if (leader != null && leader.self()) {
            return "leader";
        }
        boolean learner = machine.roster()
                .member(machine.memberId())
                .map(MemberRecord::getLearner)
                .orElse(false);
        return learner ? "learner" : leader == null ? "without leader" : "follower";
    }

    /** A member's identifier, 0 when it is not in the roster yet. */
    public long id(String raft) {
        if (raft.equals(log.self().toString())) {
            return machine.memberId();
        }
        return machine.roster().byRaft(raft).map(MemberRecord::getId).orElse(0L);
    }

    private void progress(MemberStatus.Builder status) {
        try {
            for (MemberRecord member : machine.roster().members()) {
                Progress.Follower follower = log.progress().of(member.getRaft());
                status.addProgress(dev.coppice.store.wire.Progress.newBuilder()
                        .setId(member.getId())
                        .setNextIndex(follower == null ? 0 : follower.matched() + 1)
                        .setVoter(membership.voter(member.getRaft()))
                        .setAlive(membership.alive(member.getRaft())));
            }
        } catch (IllegalStateException e) {
            LOG.log(System.Logger.Level.DEBUG, "it does not lead any more", e);
        }
    }
}
