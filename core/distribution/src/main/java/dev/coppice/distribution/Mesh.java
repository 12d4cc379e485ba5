package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageException;
import dev.coppice.distribution.transport.Connection;
import dev.coppice.distribution.transport.Receiver;
import dev.coppice.distribution.transport.Transport;
import dev.coppice.kernel.Clock;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Connections to all other nodes, one to each. Any node may call another one; when two call each other at the same time the
 * connection that the node with the smaller name made is kept, which is decided before either of them counts as up. Safe for
 * use by many threads.
 *
 * <pre>
 *   caller                     called
 *   HELLO version node   →
 *                        ←     WELCOME node, or REFUSAL why node
 *   (up) CONFIRMATION    →     (up)
 * </pre>
 *
 * A node counts as connected until its end has been told to the listener; before that it is not connected anew.
 */
final class Mesh implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Mesh.class.getName());
    private static final long GREETING_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int MAX_REASON = 200;

    /** Told of nodes and of what they send; for one node in order: up, frames, down. Does not block for long. */
    interface Listener {
        void up(Peer peer);

        /** @param sort of the frame, which {@code in} is behind */
        void frame(Peer peer, int sort, ByteReader in);

        void down(Peer peer, String why);
    }

    /** An address that somebody wants to be connected with. */
    private static final class Goal {
        private @Nullable Link link;
        private @Nullable NodeId node;
        private long nextNanos;
        private String problem = "";
    }

    private final NodeId self;
    private final Clock clock;
    private final DistributionOptions options;
    private final DistributionMetrics metrics;
    private final Function<Link, Inbox> inboxes;
    private final Transport transport;
    private final Listener listener;

    /** By name; changed with the lock held, read without. */
    private final Map<String, Link> up = new ConcurrentHashMap<>();

    // Guarded by this:
    private final Map<InetSocketAddress, Goal> goals = new HashMap<>();
    private final Map<String, Link> welcomed = new HashMap<>();
    private final Set<Link> links = new HashSet<>();
    private boolean closed;

    Mesh(
            NodeId self,
            Clock clock,
            DistributionOptions options,
            DistributionMetrics metrics,
            Function<Link, Inbox> inboxes,
            Transport transport,
            Listener listener) {
        this.self = self;
        this.clock = clock;
        this.options = options;
        this.metrics = metrics;
        this.inboxes = inboxes;
        this.transport = transport;
        this.listener = listener;
    }

    /** Takes and makes connections, also after {@link #close}. */
    void start() {
        synchronized (this) {
            closed = false;
        }
        transport.accept(this::accept);
    }

    Inbox inbox(Link link) {
        return inboxes.apply(link);
    }

    Clock clock() {
        return clock;
    }

    DistributionMetrics metrics() {
        return metrics;
    }

    // ---- who is connected

    Optional<Peer> peer(NodeId node) {
        Link found = up.get(node.name());
        return found != null && found.node().equals(node) && !found.closed() ? Optional.of(found) : Optional.empty();
    }

    List<Peer> peers() {
        return List.copyOf(up.values());
    }

    /** How many others are connected; one whose end is being told counts no more, though it is still among the peers. */
    int connected() {
        return (int) up.values().stream().filter(each -> !each.ending).count();
    }

    long waitingBytes() {
        return up.values().stream().mapToLong(Link::waitingBytes).sum();
    }

    /** Why an address that is wanted is not connected; empty when it is, is this node, or has not been tried. */
    synchronized Map<InetSocketAddress, String> problems() {
        Map<InetSocketAddress, String> found =
                new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
        goals.forEach((address, goal) -> {
            if (!goal.problem.isEmpty() && !reached(goal)) {
                found.put(address, goal.problem);
            }
        });
        return found;
    }

    /** The node that was last found at an address. */
    synchronized Optional<InetSocketAddress> address(NodeId node) {
        return goals.entrySet().stream()
                .filter(each -> node.equals(each.getValue().node))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private boolean reached(Goal goal) {
        NodeId node = goal.node;
        return node != null && (node.equals(self) || up.containsKey(node.name()));
    }

    // ---- connecting

    /** Which addresses to be connected with from now on. Who is connected stays so. */
    synchronized void want(Set<InetSocketAddress> addresses) {
        goals.keySet().retainAll(addresses);
        addresses.stream().limit(2L * options.maxNodes()).forEach(each -> goals.computeIfAbsent(each, _ -> new Goal()));
    }

    /** Calls whoever is missing; gives up on connections that do not come about. */
    void tick() {
        List<Link> late = new ArrayList<>();
        List<InetSocketAddress> calling = new ArrayList<>();
        synchronized (this) {
            long now = clock.nanoTime();
            for (Link link : links) {
                boolean greeting = link.state instanceof Link.Greeting || link.state instanceof Link.Welcomed;
                if (greeting && now - link.madeNanos > GREETING_NANOS) {
                    late.add(link);
                }
            }
            goals.forEach((address, goal) -> {
                if (!closed && goal.link == null && !reached(goal) && now - goal.nextNanos >= 0) {
                    calling.add(address);
                }
            });
        }
        late.forEach(link -> link.disconnect("it does not say who it is"));
        calling.forEach(this::call);
    }

    private void call(InetSocketAddress address) {
        Link link;
        synchronized (this) {
            Goal goal = goals.get(address);
            if (goal == null || goal.link != null || closed) {
                return;
            }
            link = new Link(this, options, true, clock.nanoTime());
            goal.link = link;
            goal.nextNanos = clock.nanoTime() + options.retry().toNanos();
            links.add(link);
        }
        ByteWriter hello = Frames.frame(Frames.HELLO).octet(Frames.VERSION);
        Frames.write(hello, self);
        link.urgent(hello.toBytes());
        link.start(transport.connect(address, link));
    }

    private Receiver accept(Connection connection) {
        Link link = new Link(this, options, false, clock.nanoTime());
        boolean refused;
        synchronized (this) {
            refused = closed || links.size() >= 4 * options.maxNodes();
            if (!refused) {
                links.add(link);
            }
        }
        link.start(connection);
        if (refused) {
            link.disconnect("too many connections");
        }
        return link;
    }

    // ---- what comes in, in the thread of the link's inbox

    void received(Link link, byte[] frame) {
        ByteReader in = new ByteReader(frame);
        int sort = in.octet();
        switch (sort) {
            case Frames.HELLO -> hello(link, in);
            case Frames.WELCOME -> welcome(link, Frames.node(in));
            case Frames.REFUSAL -> refused(link, in.text(), Frames.node(in));
            case Frames.CONFIRMATION -> confirmed(link);
            default -> {
                if (!(link.state instanceof Link.Up)) {
                    throw new MessageException("a frame of the sort " + sort + " before the connection was made");
                }
                metrics.received();
                listener.frame(link, sort, in);
            }
        }
    }

    private void hello(Link link, ByteReader in) {
        int version = in.octet();
        if (version != Frames.VERSION) {
            refuse(link, "it speaks version " + version + " of the protocol, this node " + Frames.VERSION);
            return;
        }
        NodeId other = Frames.node(in);
        String problem;
        Link former = null;
        Link outdated = null;
        synchronized (this) {
            former = up.get(other.name());
            boolean full = former == null && up.size() >= options.maxNodes();
            if (link.dialled || !(link.state instanceof Link.Greeting)) {
                problem = "it says hello twice";
            } else if (other.equals(self)) {
                // The welcome tells the calling end, which is this node's too, not to call again.
                problem = "";
            } else if (other.name().equals(self.name())) {
                problem = "another node has the name " + self.name() + " too: give each a name of its own";
            } else if (closed) {
                problem = "the node is stopping";
            } else if (full) {
                problem = "it has " + options.maxNodes() + " connections already";
            } else if (former != null) {
                problem = "it is connected already";
                outdated = former.node().equals(other) ? null : former;
            } else {
                problem = "";
                Link before = welcomed.put(other.name(), link);
                link.state = new Link.Welcomed(other);
                outdated = before;
            }
        }
        if (outdated != null) {
            outdated.disconnect("the node was restarted, or called again");
        }
        if (problem.isEmpty()) {
            ByteWriter welcome = Frames.frame(Frames.WELCOME);
            Frames.write(welcome, self);
            link.urgent(welcome.toBytes());
        } else {
            refuse(link, problem);
        }
    }

    /** The other side closes the connection when it has read why. */
    private void refuse(Link link, String why) {
        ByteWriter refusal = Frames.frame(Frames.REFUSAL).text(why);
        Frames.write(refusal, self);
        link.urgent(refusal.toBytes());
    }

    private void refused(Link link, String why, NodeId other) {
        synchronized (this) {
            Goal goal = goal(link);
            if (goal != null) {
                // Who is connected already is then not called at this address again.
                goal.node = other;
            }
        }
        String shown = why.length() > MAX_REASON ? why.substring(0, MAX_REASON) : why;
        link.disconnect("refused: " + shown);
    }

    private void welcome(Link link, NodeId other) {
        boolean kept;
        synchronized (this) {
            Goal goal = goal(link);
            if (goal != null) {
                goal.node = other;
            }
            // The other one calls, too, and its call counts.
            boolean called = welcomed.containsKey(other.name()) && other.name().compareTo(self.name()) < 0;
            kept = link.dialled
                    && link.state instanceof Link.Greeting
                    && !closed
                    && !other.name().equals(self.name())
                    && !up.containsKey(other.name())
                    && !called;
            if (kept) {
                up(link, other);
            }
        }
        if (!kept) {
            link.disconnect("there is another connection");
            return;
        }
        link.urgent(Frames.frame(Frames.CONFIRMATION).toBytes());
        tellUp(link);
    }

    private void confirmed(Link link) {
        boolean kept = false;
        synchronized (this) {
            if (link.state instanceof Link.Welcomed(NodeId other)) {
                welcomed.remove(other.name(), link);
                if (!closed && !up.containsKey(other.name())) {
                    up(link, other);
                    kept = true;
                }
            }
        }
        if (kept) {
            tellUp(link);
        } else {
            link.disconnect("there is another connection");
        }
    }

    private void up(Link link, NodeId other) {
        link.state = new Link.Up(other);
        link.up(other, clock.nanoTime());
        up.put(other.name(), link);
    }

    private void tellUp(Link link) {
        LOG.log(System.Logger.Level.INFO, "node {0} is connected with {1}", self, link.node());
        listener.up(link);
    }

    private @Nullable Goal goal(Link link) {
        for (Goal each : goals.values()) {
            if (each.link == link) {
                return each;
            }
        }
        return null;
    }

    /** The connection is over; what is told twice counts once. */
    void over(Link link, String why) {
        boolean was;
        synchronized (this) {
            if (link.ending) {
                return;
            }
            link.ending = true;
            was = link.state instanceof Link.Up;
            if (link.state instanceof Link.Welcomed(NodeId other)) {
                welcomed.remove(other.name(), link);
            }
        }
        if (was) {
            LOG.log(System.Logger.Level.INFO, "node {0} lost the connection with {1}: {2}", self, link.node(), why);
            listener.down(link, why);
        }
        synchronized (this) {
            link.state = new Link.Over();
            links.remove(link);
            Goal goal = goal(link);
            if (goal != null) {
                goal.link = null;
                goal.problem = why;
            }
            if (was) {
                up.remove(link.node().name(), link);
            }
        }
    }

    /** Ends all connections. */
    @Override
    public void close() {
        List<Link> all;
        synchronized (this) {
            closed = true;
            all = new ArrayList<>(links);
        }
        all.forEach(link -> link.disconnect("the node stops"));
    }
}
