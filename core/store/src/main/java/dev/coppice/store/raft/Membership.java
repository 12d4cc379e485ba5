package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.entity.PeerId;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.MemberAddRequest;
import dev.coppice.store.api.MemberPromoteRequest;
import dev.coppice.store.api.MemberRemoveRequest;
import dev.coppice.store.api.MemberUpdateRequest;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.Roster;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.MemberRecord;
import dev.coppice.store.log.RedeemToken;
import dev.coppice.store.log.RemoveMember;
import dev.coppice.store.wire.JoinRequest;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the leader does about members: the roster says who belongs to the cluster, and the leader makes the library's
 * configuration follow it, for as long as it leads. A new member copies the state as a learner first and gets its vote when
 * it has caught up, so that it never counts for a majority that it cannot help. Safe for use by many threads.
 */
public final class Membership {

    private static final System.Logger LOG = System.getLogger(Membership.class.getName());

    private static final long CHANGE_SECONDS = 10;
    private static final int MAX_LEARNERS = 1;

    /** A learner that lacks no more entries than this gets its vote; the library then waits for the last of them. */
    private static final long CLOSE_ENTRIES = 500;

    /** A follower not heard of for so long does not count as started. */
    private static final Duration SILENCE = Duration.ofSeconds(3);

    private final Kernel kernel;
    private final Machine machine;
    private final RaftLog log;
    private final Consumer<Command> proposing;

    Membership(Kernel kernel, Machine machine, RaftLog log) {
        this.kernel = kernel;
        this.machine = machine;
        this.log = log;
        this.proposing = command -> {
            var unused = log.propose(command);
        };
    }

    private Roster roster() {
        return machine.roster();
    }

    // ---- what users ask for; on the leader

    MemberRecord add(MemberAddRequest request) {
        check(request.getPeerURLsList());
        return add(newId(), "", request.getPeerURLsList(), request.getIsLearner());
    }

    private long newId() {
        return kernel.secureRandom().nextLong() & Long.MAX_VALUE | 1L << 62;
    }

    private MemberRecord add(long id, String name, List<String> peerUrls, boolean learner) {
        long learners =
                roster().members().stream().filter(MemberRecord::getLearner).count();
        if (learner && learners >= MAX_LEARNERS) {
            throw Errors.tooManyLearners();
        }
        MemberRecord record = MemberRecord.newBuilder()
                .setId(id)
                .setRaft(raftName(id))
                .setName(name)
                .addAllPeerUrls(peerUrls)
                .setLearner(learner)
                .build();
        proposing.accept(Command.newBuilder().setAddMember(record).build());
        settle();
        return record;
    }

    MemberRecord remove(MemberRemoveRequest request) {
        MemberRecord record = roster().member(request.getID()).orElseThrow(Errors::memberNotFound);
        refuseLossOfMajority(record);
        proposing.accept(Command.newBuilder()
                .setRemoveMember(RemoveMember.newBuilder().setId(record.getId()))
                .build());
        settle();
        return record;
    }

    /** Those left must be able to go on without the one removed. */
    private void refuseLossOfMajority(MemberRecord leaving) {
        Set<String> voters = voters();
        if (!voters.contains(leaving.getRaft())) {
            return;
        }
        voters.remove(leaving.getRaft());
        if (voters.isEmpty()) {
            throw Errors.notEnoughStarted();
        }
        long alive = voters.stream().filter(this::alive).count();
        if (alive < voters.size() / 2 + 1) {
            throw Errors.unhealthyCluster();
        }
    }

    MemberRecord update(MemberUpdateRequest request) {
        MemberRecord record = roster().member(request.getID()).orElseThrow(Errors::memberNotFound);
        check(request.getPeerURLsList());
        MemberRecord changed = record.toBuilder()
                .clearPeerUrls()
                .addAllPeerUrls(request.getPeerURLsList())
                .build();
        proposing.accept(Command.newBuilder().setUpdateMember(changed).build());
        return changed;
    }

    MemberRecord promote(MemberPromoteRequest request) {
        MemberRecord record = roster().member(request.getID()).orElseThrow(Errors::memberNotFound);
        if (!record.getLearner()) {
            throw Errors.memberNotLearner();
        }
        if (!close(record.getRaft())) {
            throw Errors.learnerNotReady();
        }
        MemberRecord changed = record.toBuilder().setLearner(false).build();
        proposing.accept(Command.newBuilder().setUpdateMember(changed).build());
        settle();
        return changed;
    }

    /** Lets a node with a token join: as the member that was added for its address, or as a new one. */
    MemberRecord join(JoinRequest request) {
        check(request.getPeerUrlsList());
        if (roster().removed(request.getMemberId())) {
            throw Errors.memberRemoved();
        }
        proposing.accept(Command.newBuilder()
                .setRedeemToken(RedeemToken.newBuilder()
                        .setId(request.getTokenId())
                        .setSecretHash(com.google.protobuf.ByteString.copyFrom(
                                sha256(request.getSecret().toByteArray())))
                        .setMember(request.getMemberId())
                        .setNow(kernel.clock().now().toEpochMilli()))
                .build());
        for (MemberRecord each : roster().members()) {
            boolean same = each.getId() == request.getMemberId();
            boolean expected =
                    each.getName().isEmpty() && each.getPeerUrlsList().equals(request.getPeerUrlsList());
            if (same || expected) {
                settle();
                return each;
            }
        }
        return add(request.getMemberId(), request.getName(), request.getPeerUrlsList(), request.getLearner());
    }

    static byte[] sha256(byte[] secret) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(secret);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @throws dev.coppice.store.StoreException when one of them is no address of a member, or there is none */
    public static void check(List<String> urls) {
        if (urls.isEmpty()) {
            throw Errors.badPeerUrls();
        }
        for (String url : urls) {
            if (address(url) == null) {
                throw Errors.badPeerUrls();
            }
        }
    }

    /** The host and port of a peer URL; null when it is none. */
    static java.net.@Nullable InetSocketAddress address(String url) {
        try {
            URI parsed = new URI(url);
            boolean usable = ("https".equals(parsed.getScheme()) || "http".equals(parsed.getScheme()))
                    && parsed.getHost() != null
                    && parsed.getPort() > 0
                    && (parsed.getPath() == null || parsed.getPath().isEmpty());
            if (!usable) {
                return null;
            }
            String host = parsed.getHost();
            return java.net.InetSocketAddress.createUnresolved(
                    host.startsWith("[") ? host.substring(1, host.length() - 1) : host, parsed.getPort());
        } catch (URISyntaxException e) {
            return null;
        }
    }

    /** A name for the library, which wants an address: that of nobody, so that members may move. */
    static String raftName(long id) {
        return Long.toHexString(id) + ":1";
    }

    static PeerId peer(String raft) {
        PeerId peer = new PeerId();
        if (!peer.parse(raft)) {
            throw new IllegalArgumentException("not a member's name: " + raft);
        }
        return peer;
    }

    // ---- the configuration follows the roster

    private Set<String> voters() {
        Set<String> names = new HashSet<>();
        log.node().listPeers().forEach(each -> names.add(each.toString()));
        return names;
    }

    private Set<String> learners() {
        Set<String> names = new HashSet<>();
        log.node().listLearners().forEach(each -> names.add(each.toString()));
        return names;
    }

    boolean alive(String raft) {
        if (raft.equals(log.self().toString())) {
            return true;
        }
        Progress.Follower follower = log.progress().of(raft);
        return follower != null
                && follower.term() == log.term()
                && kernel.clock().nanoTime() - follower.heardNanos() < SILENCE.toNanos();
    }

    boolean voter(String raft) {
        return voters().contains(raft);
    }

    /** Whether a learner lacks but a few entries. */
    private boolean close(String raft) {
        Progress.Follower follower = log.progress().of(raft);
        return alive(raft)
                && follower != null
                && follower.matched() > 0
                && log.committed() - follower.matched() <= CLOSE_ENTRIES;
    }

    /** Takes the next steps; what cannot be done now is done later, by who leads then. */
    synchronized void settle() {
        try {
            while (log.leading() && step()) {}
        } catch (IllegalStateException e) {
            LOG.log(System.Logger.Level.DEBUG, "the members are looked at again later", e);
        }
    }

    /** One change of the configuration; false when there is nothing to do, or it failed. */
    private boolean step() {
        List<MemberRecord> members = roster().members();
        if (members.isEmpty()) {
            return false;
        }
        Set<String> voters = voters();
        Set<String> learners = learners();
        Set<String> wanted = new HashSet<>();
        members.forEach(each -> wanted.add(each.getRaft()));
        Node node = log.node();
        for (String learner : learners) {
            if (!wanted.contains(learner)) {
                return change("remove", learner, done -> node.removeLearners(List.of(peer(learner)), done));
            }
        }
        for (String voter : voters) {
            if (!wanted.contains(voter)) {
                return change("remove", voter, done -> node.removePeer(peer(voter), done));
            }
        }
        for (MemberRecord member : members) {
            String name = member.getRaft();
            if (!voters.contains(name) && !learners.contains(name)) {
                return change("add", name, done -> node.addLearners(List.of(peer(name)), done));
            }
            // The library counts a learner's answers only as a new follower's: it has to leave first.
            if (!member.getLearner() && learners.contains(name) && close(name)) {
                return change("take the learner", name, done -> node.removeLearners(List.of(peer(name)), done))
                        && change("give a vote to", name, done -> node.addPeer(peer(name), done));
            }
        }
        return false;
    }

    private static boolean change(String what, String who, Consumer<Closure> body) {
        CompletableFuture<Status> done = new CompletableFuture<>();
        body.accept(done::complete);
        try {
            Status status = done.get(CHANGE_SECONDS, TimeUnit.SECONDS);
            LOG.log(
                    status.isOk() ? System.Logger.Level.INFO : System.Logger.Level.WARNING,
                    "members of the cluster: {0} {1}: {2}",
                    what,
                    who,
                    status);
            return status.isOk();
        } catch (ExecutionException | TimeoutException e) {
            LOG.log(System.Logger.Level.WARNING, "members of the cluster: {0} {1}: no answer", what, who);
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    // ---- leaving

    /** Makes another member lead. */
    void moveLeader(long target) {
        if (!log.leading()) {
            throw Errors.notLeader();
        }
        MemberRecord record = roster().member(target).orElseThrow(Errors::badTransferee);
        if (record.getRaft().equals(log.self().toString())) {
            return;
        }
        if (record.getLearner() || !voter(record.getRaft())) {
            throw Errors.badTransferee();
        }
        if (!log.transfer(peer(record.getRaft()))) {
            throw new StoreException(
                    io.grpc.Status.Code.DEADLINE_EXCEEDED,
                    "etcdserver: request timed out, leader transfer took too long");
        }
    }

    /** The members that have a vote or copy only, for who asks how the cluster is. */
    List<String> configured() {
        List<String> all = new ArrayList<>(voters());
        all.addAll(learners());
        return all;
    }
}
