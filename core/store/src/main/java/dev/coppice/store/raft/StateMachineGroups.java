package dev.coppice.store.raft;

import com.alipay.sofa.jraft.entity.PeerId;
import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.codec.MessageTypes;
import dev.coppice.distribution.codec.References;
import dev.coppice.distribution.consensus.Consensus;
import dev.coppice.distribution.consensus.ConsensusGroup;
import dev.coppice.distribution.consensus.StateMachine;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.log.MemberRecord;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * State machines of users, each in a Raft group of its own beside the store's: with a log of its own below {@code groups} in
 * the store's directory, over a connection of their own to each node. Who belongs to a group are the members of the store
 * that have a vote; every one of them has to open it. Who founded a group stands in the store, so that all nodes begin it
 * alike. Safe for use by many threads.
 */
public final class StateMachineGroups implements Consensus, AutoCloseable {
    /** Groups of one node: each has a log of its own on disk. */
    public static final int MAX_GROUPS = 100;

    private static final String PREFIX = "/coppice/consensus/";
    private static final Duration UPKEEP = Duration.ofSeconds(1);

    private final Kernel kernel;
    private final Store store;
    private final Keyspace definitions;
    private final @Nullable ClusterSettings settings;
    private final @Nullable PeerTransport transport;
    private final Map<String, StateMachineGroup<?, ?, ?>> groups = new ConcurrentHashMap<>();

    private StateMachineGroups(Kernel kernel, Store store, String keyspace) {
        this.kernel = kernel;
        this.store = store;
        this.definitions = store.keyspace(keyspace);
        this.settings = store.options().cluster();
        this.transport = settings == null ? null : settings.transport().apply(this::address);
    }

    /**
     * Those of a node.
     *
     * @param keyspace where it is written down who founded each group
     */
    public static StateMachineGroups start(Kernel kernel, Supervisor parent, Store store, String keyspace)
            throws StartException {
        StateMachineGroups made = new StateMachineGroups(kernel, store, keyspace);
        Supervisor own = parent.startSupervisor("consensus", SupervisorOptions.DEFAULT);
        if (made.settings != null) {
            made.settings.services().onSubmit(made::submitted);
        }
        var _ = own.start(ChildSpec.service("groups", () -> made.new Groups()));
        var _ = own.start(ChildSpec.periodic("upkeep", UPKEEP, Duration.ZERO, made::tend));
        return made;
    }

    /** Closes all groups when the node stops. */
    private final class Groups implements dev.coppice.kernel.Service {
        @Override
        public void start(Failure failure) {}

        @Override
        public void stop() {
            close();
        }
    }

    private @Nullable InetSocketAddress address(String raft) {
        return store.machine().roster().peerUrl(raft).map(Membership::address).orElse(null);
    }

    /** The members of the store found a group that is new. */
    @Override
    public synchronized <C, Q, A> ConsensusGroup<C, Q, A> open(
            String name, MessageTypes types, Supplier<? extends StateMachine<C, Q, A>> machine) throws IOException {
        if (!name.matches("[a-z][a-z0-9-]{0,39}")) {
            throw new IllegalArgumentException("name: \"" + name
                    + "\": expected up to 40 lower case letters, digits and dashes, with a letter first");
        }
        if (groups.containsKey(name)) {
            throw new IllegalArgumentException("name: \"" + name + "\": this group is open already");
        }
        if (groups.size() >= MAX_GROUPS) {
            throw new IllegalArgumentException("name: \"" + name + "\": " + MAX_GROUPS + " groups are open already");
        }
        PeerId self = store.log() instanceof RaftLog log
                ? log.self()
                : Membership.peer(Membership.raftName(store.machine().memberId()));
        Set<String> founders = founders(name, self.toString());
        List<PeerId> founding = new ArrayList<>();
        if (founders.contains(self.toString())) {
            founders.forEach(each -> founding.add(Membership.peer(each)));
        }
        StateMachineGroup<C, Q, A> made = new StateMachineGroup<>(
                name,
                new StateMachineGroup.Opening(
                        kernel,
                        store.options().directory().resolve("groups").resolve(name),
                        "group-" + name + "-" + clusterName(),
                        self,
                        founding,
                        settings == null ? ClusterSettings.DEFAULT_ELECTION : settings.election(),
                        transport),
                new MessageCodec(types, References.NONE),
                machine);
        groups.put(name, made);
        if (settings != null) {
            settings.services().attach(made.group(), made.handler());
        }
        return made;
    }

    /** The same on all nodes of a cluster, and different between clusters. */
    private String clusterName() throws IOException {
        return Member.identity(store.options().directory())
                .map(each -> Long.toHexString(each.cluster()))
                .orElse("0");
    }

    /** Written down by whoever opens it first. */
    private Set<String> founders(String name, String self) {
        ByteString key = ByteString.copyFromUtf8(PREFIX + name);
        Set<String> voters = new LinkedHashSet<>();
        voters().forEach(each -> voters.add(each.toString()));
        if (voters.isEmpty()) {
            voters.add(self);
        }
        RequestOp read = RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(key))
                .build();
        RequestOp write = RequestOp.newBuilder()
                .setRequestPut(
                        PutRequest.newBuilder().setKey(key).setValue(ByteString.copyFromUtf8(String.join(",", voters))))
                .build();
        TxnResponse answer = definitions.txn(TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(key)
                        .setTarget(Compare.CompareTarget.CREATE)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setCreateRevision(0))
                .addSuccess(write)
                .addFailure(read)
                .build());
        if (answer.getSucceeded()) {
            return voters;
        }
        String text =
                answer.getResponses(0).getResponseRange().getKvs(0).getValue().toStringUtf8();
        return new LinkedHashSet<>(List.of(text.split(",")));
    }

    private Set<PeerId> voters() {
        Set<PeerId> found = new HashSet<>();
        for (MemberRecord each : store.machine().roster().members()) {
            if (!each.getLearner()) {
                found.add(Membership.peer(each.getRaft()));
            }
        }
        return found;
    }

    private void tend() {
        if (groups.isEmpty()) {
            return;
        }
        Set<PeerId> voters = settings == null ? Set.of() : voters();
        groups.values().forEach(each -> each.tend(voters));
    }

    private BytesValue submitted(BytesValue request) {
        ByteReader in = new ByteReader(request.getValue().toByteArray());
        String group = in.text();
        byte[] command = in.bytes();
        for (StateMachineGroup<?, ?, ?> each : groups.values()) {
            if (each.group().equals(group)) {
                return each.submitted(command);
            }
        }
        return BytesValue.of(ByteString.copyFrom(new byte[] {1}));
    }

    @Override
    public synchronized void close() {
        for (StateMachineGroup<?, ?, ?> each : groups.values()) {
            each.close();
            if (settings != null) {
                settings.services().detach(each.group());
            }
        }
        groups.clear();
        PeerTransport way = transport;
        if (way != null) {
            way.close();
        }
    }
}
