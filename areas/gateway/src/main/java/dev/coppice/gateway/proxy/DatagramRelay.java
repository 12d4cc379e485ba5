package dev.coppice.gateway.proxy;

import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import dev.coppice.gateway.proxyprotocol.ProxyHeader;
import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Datagrams between clients and endpoints. Each client has a socket of its own towards one endpoint as long as either side sends
 * something once in {@value #IDLE_SECONDS} seconds, so that answers find back. Used on its event loop only.
 */
final class DatagramRelay extends SimpleChannelInboundHandler<DatagramPacket> {
    private static final int IDLE_SECONDS = 60;
    private static final int MOST_CLIENTS = 10_000;
    private static final long SWEEP_SECONDS = 5;
    /** After so long nothing is sent back any more. */
    private static final long TAKEN_SECONDS = 2;
    /** As what an answer of whatever sort counts. */
    private static final int ANSWERED = 200;

    private final EventLoopState state;
    private final Port port;
    private final Map<InetSocketAddress, Session> sessions = new HashMap<>();
    /** To which nothing was sent back yet, the oldest first. */
    private final Set<Session> silent = new LinkedHashSet<>();

    private boolean sweeping;
    private boolean waiting;

    DatagramRelay(EventLoopState state, Port port) {
        this.state = state;
        this.port = port;
    }

    /** A client's socket towards its endpoint. */
    private final class Session extends ChannelInboundHandlerAdapter {
        private final Channel server;
        private final InetSocketAddress client;
        private final RuleAction action;
        private final Upstream upstream;
        private final Upstream.Target target;
        private final Passage passage;
        private final @Nullable Tracker tracker;
        /** Before each datagram; null: nothing. */
        private final byte @Nullable [] header;

        private final long beginNanos = state.now();
        private final List<ByteBuf> early = new ArrayList<>(1);
        private long lastNanos = beginNanos;
        private @Nullable Channel channel;
        private long bytesIn;
        private long bytesOut;
        /** Its passage knows how it went. */
        private boolean told;

        Session(
                Channel server,
                InetSocketAddress client,
                RuleAction action,
                Upstream upstream,
                Upstream.Target target,
                Passage passage) {
            this.server = server;
            this.client = client;
            this.action = action;
            this.upstream = upstream;
            this.target = target;
            this.passage = passage;
            this.tracker = target.tracker();
            this.header = target.proxyProtocol == null
                    ? null
                    : ProxyHeader.datagram(new ConnectionEnds(client, (InetSocketAddress) server.localAddress(), ""));
            port.opened();
            target.metrics.requests.inc();
            if (tracker != null) {
                tracker.begin();
            }
        }

        void open() {
            var _ = new Bootstrap()
                    .group(state.loop)
                    .channelFactory(state.plane.transport.datagrams())
                    .handler(this)
                    .connect(target.address)
                    .addListener(done -> {
                        if (done.isSuccess()) {
                            return;
                        }
                        if (state.loop.inEventLoop()) {
                            failed(Attempt.Failure.CONNECT);
                        } else {
                            // There was no socket left: Netty tells of this on a thread of its own.
                            state.execute(() -> failed(Attempt.Failure.CONNECT));
                        }
                    });
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            channel = context.channel();
            for (ByteBuf each : early) {
                var _ = context.write(each);
            }
            early.clear();
            context.flush();
        }

        void send(ByteBuf said) {
            lastNanos = state.now();
            bytesIn += said.readableBytes();
            ByteBuf bytes = header == null ? said : introduced(said, header);
            Channel to = channel;
            if (to != null) {
                var _ = to.writeAndFlush(bytes);
            } else if (early.isEmpty()) {
                early.add(bytes);
            } else {
                // Connecting takes no time worth more than one; datagrams may be lost.
                bytes.release();
            }
        }

        private ByteBuf introduced(ByteBuf said, byte[] header) {
            ByteBuf whole = server.alloc().buffer(header.length + said.readableBytes());
            whole.writeBytes(header).writeBytes(said);
            said.release();
            return whole;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            lastNanos = state.now();
            if (message instanceof DatagramPacket packet) {
                answered(lastNanos);
                bytesOut += packet.content().readableBytes();
                var _ = server.write(new DatagramPacket(packet.content(), client));
            } else {
                io.netty.util.ReferenceCountUtil.release(message);
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            server.flush();
        }

        private void answered(long now) {
            if (!told) {
                told = true;
                boolean _ = silent.remove(this);
                passage.answered(ANSWERED, now);
            }
        }

        /** Its endpoint takes what comes without a word, as servers of logs do: nothing was sent back. */
        private void taken(long now) {
            if (!told) {
                told = true;
                passage.taken(now);
            }
        }

        void look(long now) {
            if (now - lastNanos > TimeUnit.SECONDS.toNanos(IDLE_SECONDS)) {
                forget(this, StreamReport.OK, "");
            }
        }

        /** Such as "port unreachable"; the client learns it by silence, as from the endpoint itself. */
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            failed(Attempt.Failure.RESET);
        }

        private void failed(Attempt.Failure why) {
            target.metrics.failed(why.word);
            passage.failed(why, state.now());
            forget(this, StreamReport.UNREACHABLE, why.word);
        }

        void close(int status, String reason) {
            boolean _ = silent.remove(this);
            early.forEach(ByteBuf::release);
            early.clear();
            if (channel != null) {
                var _ = channel.close();
            }
            port.closed();
            passage.end();
            if (tracker != null) {
                tracker.end();
            }
            StreamReport report = new StreamReport(
                    "UDP",
                    client.getAddress().getHostAddress(),
                    "",
                    action.route,
                    upstream.name,
                    target.toString(),
                    1,
                    bytesIn,
                    bytesOut,
                    state.now() - beginNanos,
                    status,
                    reason);
            action.metrics.streamed(report);
            state.tell(action.observation, report, port);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
        InetSocketAddress client = packet.sender();
        Session session = sessions.get(client);
        if (session != null && session.target.gone) {
            forget(session, StreamReport.OK, "endpoint-gone");
            session = null;
        }
        if (session == null) {
            session = begin(context.channel(), client);
        }
        if (session != null) {
            session.send(packet.content().retain());
        }
    }

    private @Nullable Session begin(Channel server, InetSocketAddress client) {
        if (sessions.size() >= MOST_CLIENTS) {
            state.plane.metrics.refused.labelValues("datagram-clients").inc();
            return null;
        }
        RoutingTable.Found<RuleAction> found =
                port.routing().table(client.getAddress().getHostAddress()).find("", StreamConnection.NOTHING);
        Candidate<RuleAction> candidate = found == null ? null : found.candidate();
        RuleAction.Backend backend =
                candidate == null ? null : candidate.action().choose(state.random);
        Upstream upstream = backend == null ? null : backend.upstream();
        Upstream.State now = upstream == null ? null : upstream.state();
        Upstream.Target target = upstream == null || now == null
                ? null
                : state.choose(
                        upstream,
                        now,
                        null,
                        now.keys() == null
                                ? 0
                                : now.keys().hash(client.getAddress().getHostAddress(), state),
                        null);
        if (candidate == null || upstream == null || target == null) {
            state.plane.metrics.refused.labelValues("datagram-route").inc();
            return null;
        }
        Passage passage = new Passage(upstream.guard);
        if (passage.begin(state.now()) != null || !passage.connect()) {
            passage.end();
            return null;
        }
        Session made = new Session(server, client, candidate.action(), upstream, target, passage);
        sessions.put(client, made);
        silent.add(made);
        made.open();
        sweep();
        awaitSilence();
        return made;
    }

    /** Gives the places back of those to which nothing is sent back any more, each when its time is over: others may wait for them. */
    private void awaitSilence() {
        if (waiting || silent.isEmpty() || state.loop.isShuttingDown()) {
            return;
        }
        waiting = true;
        long due = silent.iterator().next().beginNanos + TimeUnit.SECONDS.toNanos(TAKEN_SECONDS);
        var _ = state.loop.schedule(
                () -> {
                    waiting = false;
                    long now = state.now();
                    for (Iterator<Session> all = silent.iterator(); all.hasNext(); ) {
                        Session first = all.next();
                        if (now - first.beginNanos < TimeUnit.SECONDS.toNanos(TAKEN_SECONDS)) {
                            break;
                        }
                        all.remove();
                        first.taken(now);
                    }
                    awaitSilence();
                },
                Math.max(0, due - state.now()),
                TimeUnit.NANOSECONDS);
    }

    private void sweep() {
        if (!sweeping && !sessions.isEmpty() && !state.loop.isShuttingDown()) {
            sweeping = true;
            var _ = state.loop.schedule(
                    () -> {
                        sweeping = false;
                        long now = state.now();
                        List.copyOf(sessions.values()).forEach(each -> each.look(now));
                        sweep();
                    },
                    SWEEP_SECONDS,
                    TimeUnit.SECONDS);
        }
    }

    private void forget(Session session, int status, String reason) {
        if (sessions.remove(session.client, session)) {
            session.close(status, reason);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        List.copyOf(sessions.values()).forEach(each -> forget(each, StreamReport.OK, "drain"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // A client that is gone; the socket serves the others.
        state.plane.metrics.refused.labelValues("datagram").inc();
    }
}
