package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.codec.MessageException;
import dev.coppice.distribution.codec.MessageTypes;
import dev.coppice.distribution.codec.References;
import dev.coppice.distribution.membership.GossipStrategy;
import dev.coppice.distribution.membership.Strategy;
import dev.coppice.distribution.transport.Transport;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Telemetry;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A node among others: connects with those that its membership strategy names, and lets processes reach each other over
 * nodes, as OTP's distribution does. Everything works on a node that is alone, too. Safe for use by many threads.
 *
 * <p>Addresses of processes travel in messages, and by names, groups and shards; an address of a process of another node
 * takes casts, calls, monitors and links as any other. Messages have to be {@linkplain #types registered}.
 */
public final class Distribution {
    private static final System.Logger LOG = System.getLogger(Distribution.class.getName());
    private static final Duration TICK = Duration.ofMillis(500);
    private static final Duration LEAVE = Duration.ofSeconds(5);
    private static final Duration LEAVE_PAUSE = Duration.ofMillis(20);

    private static final int NAMES = 1;
    private static final int GROUPS = 2;
    private static final int SHARDS = 3;
    private static final int GOSSIP = 4;
    private static final Duration GOSSIP_ROUND = Duration.ofSeconds(1);
    private static final int GOSSIP_FANOUT = 3;

    static final MessageTypes CONTROL = MessageTypes.of(
            NameMessage.class, GroupMessage.class, ShardMessage.class, NodeId.class, GossipMessage.class);
    static final MessageCodec PLAIN = new MessageCodec(CONTROL, References.NONE);

    private final Kernel kernel;
    private final NodeId self;
    private final DistributionOptions options;
    private final DistributionMetrics metrics;
    private final MessageTypes types = new MessageTypes();
    private final LocalProcesses locals;
    private final RemoteProcesses processes;
    private final MessageCodec control;
    private final ClusterNames names;
    private final ClusterGroups groups;
    private final ShardTypes shards;
    private final Map<NodeId, Instant> since = new ConcurrentHashMap<>();
    private final Map<String, Left> left = new ConcurrentHashMap<>();
    private final List<Consumer<NodeEvent>> listeners = new CopyOnWriteArrayList<>();
    private final Mesh mesh;
    private final Discovery discovery;
    private final @Nullable GossipStrategy gossip;
    private @Nullable Supervisor supervisor;

    private record Left(NodeId node, Instant at, String reason) {}

    private Distribution(
            Kernel kernel, String name, Transport transport, Strategy strategy, DistributionOptions options) {
        this.kernel = kernel;
        this.self = new NodeId(name, kernel.secureRandom().nextLong());
        this.options = options;
        this.metrics = new DistributionMetrics(kernel.metrics());
        this.locals = LocalProcesses.of(kernel);
        this.processes = new RemoteProcesses(self, kernel.clock(), options, metrics, locals, types);
        this.control = processes.codec(CONTROL);
        this.names = new ClusterNames(wire(NAMES), metrics::nameLost);
        this.groups = new ClusterGroups(wire(GROUPS));
        this.shards = new ShardTypes(
                new Shards.Surroundings(
                        wire(SHARDS),
                        processes.codec(),
                        options,
                        this::mail,
                        processes.answers(),
                        metrics::dropped,
                        locals),
                this::peers);
        this.mesh = new Mesh(self, kernel.clock(), options, metrics, this::inbox, transport, new Dispatch());
        processes.use(mesh);
        this.gossip = strategy instanceof GossipStrategy one ? one : null;
        this.discovery = new Discovery(kernel, strategy, mesh);
        metrics.gauge(
                "nodes", "Other nodes that are connected.", () -> mesh.peers().size());
        metrics.gauge("waiting_bytes", "What waits to be sent to other nodes.", mesh::waitingBytes);
        metrics.gauge("exported_processes", "Processes whose address other nodes know.", processes::exported);
        metrics.gauge("awaited_answers", "Answers that somebody waits for.", processes::awaited);
        metrics.gauge("names", "Names in the cluster.", names::size);
        metrics.gauge("group_memberships", "Memberships of processes of this node in groups.", groups::size);
        metrics.gauge("sharded_processes", "Sharded processes on this node.", shards::local);
    }

    /**
     * Starts the distribution of a node, below a supervisor.
     *
     * @param name of this node, unique in the cluster
     * @param transport the way to other nodes; belongs to the distribution from now on
     * @param strategy which addresses to connect with
     */
    public static Distribution start(
            Kernel kernel,
            Supervisor parent,
            String name,
            Transport transport,
            Strategy strategy,
            DistributionOptions options)
            throws StartException {
        Distribution made = new Distribution(kernel, name, transport, strategy, options);
        made.startParts(parent);
        return made;
    }

    private void startParts(Supervisor parent) throws StartException {
        Supervisor own = parent.startSupervisor(
                "distribution", SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(60)));
        supervisor = own;
        // Stopped in reverse: whoever hands over needs the connections.
        var unused = own.startSupervisor("links", SupervisorOptions.DEFAULT);
        var _ = own.start(ChildSpec.service("connections", Connections::new));
        unused = own.startSupervisor("entities", SupervisorOptions.DEFAULT);
        unused = own.startSupervisor("singletons", SupervisorOptions.DEFAULT);
        var _ = own.start(ChildSpec.periodic("connect", TICK, Duration.ofMillis(50), this::tick));
        var _ = own.start(ChildSpec.periodic("discover", discovery.interval(), Duration.ofMillis(500), discovery));
        if (gossip != null) {
            var _ = own.start(ChildSpec.periodic("gossip", GOSSIP_ROUND, Duration.ofMillis(100), this::gossip));
        }
        discovery.run();
        mesh.tick();
        var _ = own.start(ChildSpec.service("leave", Leaving::new));
    }

    private void tick() {
        mesh.tick();
        processes.tick();
    }

    private void gossip() {
        GossipStrategy known = gossip;
        if (known == null) {
            return;
        }
        byte[] frame = encoded(GOSSIP, PLAIN, new GossipMessage(known.round(kernel.random())));
        List<Peer> peers = new ArrayList<>(mesh.peers());
        Collections.shuffle(peers, java.util.Random.from(kernel.random()));
        peers.stream().limit(GOSSIP_FANOUT).forEach(each -> each.urgent(frame));
    }

    private Supervisor child(String name) {
        Supervisor own = supervisor;
        if (own == null) {
            throw new IllegalStateException("the distribution is not started");
        }
        return own.child(name).orElseThrow().supervisor();
    }

    private Inbox inbox(Link link) {
        return new NodeInbox(child("links"), mesh, link);
    }

    // ---- nodes

    public NodeId self() {
        return self;
    }

    /** The other nodes that are connected, in order. */
    public List<NodeId> nodes() {
        return new ArrayList<>(
                new TreeSet<>(mesh.peers().stream().map(Peer::node).toList()));
    }

    /** Tells of nodes that are connected and lost from now on; the listener is short and does not block. */
    public Monitor monitorNodes(Consumer<NodeEvent> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /**
     * A node as this one sees it.
     *
     * @param node null for an address where no node was found yet
     * @param address where this node called it; null when it called this one
     * @param since when that began; null when it was never seen
     * @param problem why it is not connected; empty when it is
     */
    public record Member(
            @Nullable NodeId node,
            @Nullable InetSocketAddress address,
            State state,
            @Nullable Instant since,
            String problem) {
        /** What this node knows of it. */
        public enum State {
            SELF,
            UP,
            DOWN,
            UNKNOWN
        }
    }

    /** This node, those that are connected, those that were lost, and addresses where none was found. */
    public List<Member> members() {
        List<Member> all = new ArrayList<>();
        all.add(new Member(self, null, Member.State.SELF, null, ""));
        Set<String> up = new TreeSet<>();
        for (NodeId node : nodes()) {
            up.add(node.name());
            all.add(new Member(node, mesh.address(node).orElse(null), Member.State.UP, since.get(node), ""));
        }
        Map<InetSocketAddress, String> problems = mesh.problems();
        left.forEach((name, each) -> {
            if (!up.contains(name)) {
                InetSocketAddress address = mesh.address(each.node).orElse(null);
                if (address != null) {
                    problems.remove(address);
                }
                all.add(new Member(each.node, address, Member.State.DOWN, each.at, each.reason));
            }
        });
        problems.forEach((address, why) -> all.add(new Member(null, address, Member.State.UNKNOWN, null, why)));
        return all;
    }

    /** Looks at once who there is, instead of after a while. */
    public void discover() {
        discovery.run();
        mesh.tick();
    }

    // ---- what there is

    /** Which messages may travel; a type is registered on all nodes before it is sent. */
    public MessageTypes types() {
        return types;
    }

    /** Writes and reads registered messages that name no process. */
    public MessageCodec codec() {
        return new MessageCodec(types, References.NONE);
    }

    public ClusterNames names() {
        return names;
    }

    public ClusterGroups groups() {
        return groups;
    }

    /**
     * Casts a message that is worth nothing later: where a cast would wait for room, this drops the message.
     *
     * @return false when it was dropped, or the process's node is not connected
     */
    public <M> boolean offer(ProcessRef<M> to, M message) {
        return processes.offer(to, message);
    }

    /** The node of a process. */
    public NodeId home(ProcessRef<?> process) {
        return processes.home(process);
    }

    /**
     * Makes this node a candidate for running a process of which there is one in the cluster. Whichever node takes its name
     * first runs it; when that node goes, another one does. Reach it by {@code names().via(name)}.
     *
     * @throws StartException when this node is a candidate for that name already
     */
    public void singleton(String name, Supplier<? extends Behavior<?>> behavior, SingletonOptions with)
            throws StartException {
        Supervisor all = child("singletons");
        Supervisor own = all.startSupervisor(name, SupervisorOptions.DEFAULT);
        ProcessRef<SingletonKeeper.Mail> keeper = own.startProcess(ChildSpec.process(
                "keeper",
                () -> new SingletonKeeper(name, names, () -> mesh.connected() + 1, with, () -> own, behavior)));
        monitorNodes(_ -> keeper.cast(new SingletonKeeper.Look()));
    }

    /** Sharded processes of a type, which this node does not host. */
    public <M> Shards<M> shards(String type) {
        return shards.of(type);
    }

    /**
     * Sharded processes of a type, some of which live on this node from now on.
     *
     * @throws StartException when this node hosts the type already
     */
    public <M> Shards<M> host(String type, Entity.Factory<M> factory) throws StartException {
        Shards<M> made = shards.of(type);
        Supervisor own = child("entities").startSupervisor(type, SupervisorOptions.DEFAULT);
        made.host(new NodeEntities<>(kernel, own, type, factory, processes.codec(), options.maxMessageBytes()));
        shards.tellHosting();
        return made;
    }

    private boolean mail(NodeId to, byte[] frame) {
        return mesh.peer(to).map(peer -> peer.mail(frame)).orElse(false);
    }

    private Collection<Peer> peers() {
        return mesh.peers();
    }

    static byte[] shardFrame(Record message) {
        return encoded(SHARDS, PLAIN, message);
    }

    // ---- control messages

    private static byte[] encoded(int part, MessageCodec codec, Record message) {
        ByteWriter out = Frames.frame(Frames.CONTROL).octet(part);
        codec.write(out, message);
        return out.toBytes();
    }

    private Wire wire(int part) {
        return new Wire() {
            @Override
            public NodeId self() {
                return self;
            }

            @Override
            public void send(NodeId to, Record message) {
                mesh.peer(to).ifPresent(peer -> peer.urgent(encoded(part, control, message)));
            }

            @Override
            public NodeId home(ProcessRef<?> process) {
                return processes.home(process);
            }

            @Override
            public void after(Duration delay, Runnable action) {
                var unused = kernel.timers().schedule(delay, action);
            }

            @Override
            public long millis() {
                return kernel.clock().currentTimeMillis();
            }

            @Override
            public double random() {
                return kernel.random().nextDouble();
            }
        };
    }

    /** Gives what happens to the parts that it concerns. */
    private final class Dispatch implements Mesh.Listener {
        @Override
        public void up(Peer peer) {
            NodeId node = peer.node();
            since.put(node, kernel.clock().now());
            left.remove(node.name());
            names.up(node);
            groups.up(node);
            shards.up(peer);
            metrics.node("up");
            tell(new NodeEvent.Up(node), Map.of("node", node.name()));
        }

        @Override
        public void frame(Peer peer, int sort, ByteReader in) {
            if (sort != Frames.CONTROL) {
                processes.received(peer, sort, in);
                return;
            }
            int part = in.octet();
            Object message = control.read(in);
            switch (message) {
                case NameMessage name when part == NAMES -> names.received(peer.node(), name);
                case GroupMessage group when part == GROUPS -> groups.received(peer.node(), group);
                case ShardMessage shard when part == SHARDS -> shards.received(peer.node(), shard);
                case GossipMessage told
                when part == GOSSIP -> {
                    if (gossip != null) {
                        gossip.heard(told.rumours());
                    }
                }
                case null, default -> throw new MessageException("a message for the unknown part " + part);
            }
        }

        @Override
        public void down(Peer peer, String why) {
            NodeId node = peer.node();
            since.remove(node);
            if (left.size() < 2 * options.maxNodes() || left.containsKey(node.name())) {
                left.put(node.name(), new Left(node, kernel.clock().now(), why));
            }
            processes.lost(peer);
            names.down(node);
            groups.down(node);
            shards.down(node);
            metrics.node("down");
            tell(new NodeEvent.Down(node, why), Map.of("node", node.name(), "reason", why));
        }

        @SuppressWarnings("CatchingUnchecked")
        private void tell(NodeEvent event, Map<String, Object> metadata) {
            String name = event instanceof NodeEvent.Up ? "distribution.node.up" : "distribution.node.down";
            kernel.telemetry()
                    .emit(new Telemetry.Event(name, Map.of("nodes", mesh.peers().size()), metadata));
            for (Consumer<NodeEvent> each : listeners) {
                try {
                    each.accept(event);
                } catch (RuntimeException e) {
                    LOG.log(System.Logger.Level.WARNING, "a monitor of nodes failed", e);
                }
            }
        }
    }

    /** Takes connections until the node stops, when the processes have ended. */
    private final class Connections implements dev.coppice.kernel.Service {
        @Override
        public void start(Failure failure) {
            mesh.start();
        }

        @Override
        public void stop() {
            mesh.close();
        }
    }

    /** When the node stops, first of all its shards are handed over. */
    private final class Leaving implements dev.coppice.kernel.Service {
        /** After a crash; at the beginning nothing is hosted. */
        @Override
        public void start(Failure failure) {
            shards.resume();
        }

        @Override
        public void stop() throws InterruptedException {
            List<Shards<?>> hosted = shards.leave();
            if (!mesh.peers().isEmpty()) {
                long end = kernel.clock().nanoTime() + LEAVE.toNanos();
                while (kernel.clock().nanoTime() - end < 0 && !hosted.stream().allMatch(Shards::empty)) {
                    kernel.timers().sleep(LEAVE_PAUSE);
                }
            }
        }
    }
}
