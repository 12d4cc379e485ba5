package dev.coppice.gateway.proxy;

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
import java.util.List;
import java.util.Map;
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

    private final EventLoopState state;
    private final Port port;
    private final Map<InetSocketAddress, Session> sessions = new HashMap<>();
    private boolean sweeping;

    DatagramRelay(EventLoopState state, Port port) {
        this.state = state;
        this.port = port;
    }

    /** A client's socket towards its endpoint. */
    private final class Session extends ChannelInboundHandlerAdapter {
        private final Channel server;
        private final InetSocketAddress client;
        private final RuleAction action;
        private final Upstream.Target target;
        private final long beginNanos = state.now();
        private final List<ByteBuf> early = new ArrayList<>(1);
        private long lastNanos = beginNanos;
        private @Nullable Channel channel;

        Session(Channel server, InetSocketAddress client, RuleAction action, Upstream.Target target) {
            this.server = server;
            this.client = client;
            this.action = action;
            this.target = target;
            port.opened();
            target.metrics.requests.inc();
        }

        void open() {
            var _ = new Bootstrap()
                    .group(state.loop)
                    .channelFactory(state.plane.transport.datagrams())
                    .handler(this)
                    .connect(target.address)
                    .addListener(done -> {
                        if (!done.isSuccess()) {
                            target.metrics.failed(Attempt.Failure.CONNECT.word);
                            forget(this);
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

        void send(ByteBuf bytes) {
            lastNanos = state.now();
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

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            lastNanos = state.now();
            if (message instanceof DatagramPacket packet) {
                var _ = server.write(new DatagramPacket(packet.content(), client));
            } else {
                io.netty.util.ReferenceCountUtil.release(message);
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            server.flush();
        }

        /** Such as "port unreachable"; the client learns it by silence, as from the endpoint itself. */
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            target.metrics.failed(Attempt.Failure.RESET.word);
            forget(this);
        }

        void close() {
            early.forEach(ByteBuf::release);
            early.clear();
            if (channel != null) {
                var _ = channel.close();
            }
            port.closed();
            action.metrics.streamed(state.now() - beginNanos);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
        InetSocketAddress client = packet.sender();
        Session session = sessions.get(client);
        if (session != null && session.target.gone) {
            forget(session);
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
        RoutingTable.Found<RuleAction> found = port.routing().table().find("", StreamConnection.NOTHING);
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
                        now.keys() == null
                                ? 0
                                : now.keys().hash(client.getAddress().getHostAddress(), state),
                        null);
        if (candidate == null || target == null) {
            state.plane.metrics.refused.labelValues("datagram-route").inc();
            return null;
        }
        Session made = new Session(server, client, candidate.action(), target);
        sessions.put(client, made);
        made.open();
        sweep();
        return made;
    }

    private void sweep() {
        if (!sweeping && !sessions.isEmpty() && !state.loop.isShuttingDown()) {
            sweeping = true;
            var _ = state.loop.schedule(
                    () -> {
                        sweeping = false;
                        long now = state.now();
                        List.copyOf(sessions.values()).stream()
                                .filter(each -> now - each.lastNanos > TimeUnit.SECONDS.toNanos(IDLE_SECONDS))
                                .forEach(this::forget);
                        sweep();
                    },
                    SWEEP_SECONDS,
                    TimeUnit.SECONDS);
        }
    }

    private void forget(Session session) {
        if (sessions.remove(session.client, session)) {
            session.close();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        List.copyOf(sessions.values()).forEach(this::forget);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // A client that is gone; the socket serves the others.
        state.plane.metrics.refused.labelValues("datagram").inc();
    }
}
