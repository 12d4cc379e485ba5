package dev.coppice.gateway.proxy;

import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.RequestHead;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A stream of bytes between a client and an endpoint, of TCP or in TLS. Each side's end is passed on by itself, so that one may go on
 * while the other has said all. Who sends faster than the other side takes is not read. Used on its event loop only.
 */
final class StreamConnection extends Client {
    private static final int MOST_TRIES = 3;
    /** As what a connection counts that could be made. */
    private static final int CONNECTED = 200;

    private static final int CLIENT_GONE = 499;
    /** An endpoint has so long to take what its client said last. */
    private static final long LINGER_SECONDS = 5;

    /** Streams have nothing but a server name to be chosen by. */
    static final RequestHead NOTHING = new RequestHead() {
        @Override
        public String method() {
            return "";
        }

        @Override
        public String path() {
            return "/";
        }

        @Override
        public @Nullable String header(String name) {
            return null;
        }

        @Override
        public @Nullable String queryParam(String name) {
            return null;
        }
    };

    private final String serverName;
    private final long beginNanos;
    private final Deque<ByteBuf> early = new ArrayDeque<>(1);
    private Observation observation;
    private @Nullable RuleAction action;
    private @Nullable Upstream upstream;
    private @Nullable Passage passage;
    private Upstream.@Nullable Target endpoint;
    private @Nullable Tracker tracker;
    private @Nullable Channel target;
    private boolean clientDone;
    private boolean targetDone;
    private boolean over;
    /** There is a connection to an endpoint, or one is being made. */
    private boolean reaching;

    private int tries;
    private long lastNanos;
    private long bytesIn;
    private long bytesOut;
    private int status = StreamReport.OK;
    /** Why it ends; empty: as streams do. */
    private String reason = "";

    StreamConnection(EventLoopState state, Port port, Channel channel, String serverName) {
        super(state, port, channel);
        this.serverName = serverName;
        this.observation = state.plane.observations.standard();
        this.beginNanos = state.now();
        this.lastNanos = beginNanos;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        super.handlerAdded(context);
        channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        reading(false);
        Port.Routing routing = port().routing();
        RoutingTable.Found<RuleAction> found = routing.table(address()).find(serverName, NOTHING);
        Candidate<RuleAction> candidate = found == null ? null : found.candidate();
        RuleAction rule = candidate == null ? null : candidate.action();
        action = rule;
        if (rule != null) {
            observation = rule.observation;
        } else if (found != null) {
            observation = routing.observation(found.listener());
        }
        RuleAction.Backend backend = rule == null ? null : rule.choose(state().random);
        Upstream to = backend == null ? null : backend.upstream();
        if (to == null) {
            state().plane.metrics.refused.labelValues("stream-route").inc();
            end(StreamReport.REFUSED, "route");
            return;
        }
        upstream = to;
        Passage through = new Passage(to.guard);
        passage = through;
        connect(to, through, null);
    }

    @Override
    String serverName() {
        return serverName;
    }

    /** Ends it; what is told first is the reason. */
    private void end(int how, String why) {
        if (reason.isEmpty() && !over) {
            status = how;
            reason = why;
        }
        super.close();
    }

    /** Others end it only when its listener is gone, or the whole data plane. */
    @Override
    void close() {
        end(StreamReport.OK, "drain");
    }

    private void connect(Upstream upstream, Passage through, Upstream.@Nullable Target failed) {
        Upstream.State now = upstream.state();
        long hash = now.keys() == null ? 0 : now.keys().hash(address(), state());
        Upstream.Target chosen = state().choose(upstream, now, null, hash, failed);
        if (chosen == null) {
            state().plane.metrics.refused.labelValues("stream-endpoint").inc();
            end(StreamReport.REFUSED, "no-endpoint");
            return;
        }
        long connectNanos = state().now();
        Refusal refusal = failed == null ? through.begin(connectNanos) : through.again(connectNanos);
        if (refusal == null && !through.connect()) {
            refusal = Refusal.CONNECTIONS;
        }
        if (refusal == null && !through.queue(connectNanos)) {
            refusal = Refusal.PENDING_REQUESTS;
        }
        if (refusal != null) {
            end(StreamReport.REFUSED, refusal.word);
            return;
        }
        endpoint = chosen;
        reaching = true;
        tries++;
        chosen.metrics.requests.inc();
        Tracker told = chosen.tracker();
        if (told != null) {
            told.begin();
        }
        tracker = told;
        state().connector.connect(chosen, ends(), new TargetConnector.Caller() {
            @Override
            public void connected(Channel channel, String protocol) {
                if (told != null) {
                    told.answered(connectNanos);
                    told.judged(CONNECTED);
                }
                through.connected();
                through.answered(CONNECTED, state().now());
                StreamConnection.this.connected(channel, chosen, through);
            }

            @Override
            public void failed(Attempt.Failure why) {
                chosen.metrics.failed(why.word);
                if (told != null) {
                    told.failed(why, connectNanos);
                }
                untrack();
                through.failed(why, state().now());
                unreached(through);
                if (!over && tries < MOST_TRIES && now.targets().size() > 1) {
                    connect(upstream, through, chosen);
                } else {
                    end(StreamReport.UNREACHABLE, why.word);
                }
            }
        });
    }

    private void untrack() {
        Tracker told = tracker;
        tracker = null;
        if (told != null) {
            told.end();
        }
    }

    /** A connection is gone, or could not be made: only then others may have its place. */
    private void unreached(Passage through) {
        reaching = false;
        through.disconnected();
        if (over) {
            through.end();
        }
    }

    private void connected(Channel to, Upstream.Target chosen, Passage through) {
        if (over) {
            var _ = to.close().addListener(_ -> unreached(through));
            return;
        }
        var _ = to.config().setAutoRead(false);
        to.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        to.pipeline().addLast(new TargetSide());
        target = to;
        chosen.metrics.connections.inc();
        var _ = to.closeFuture().addListener(_ -> {
            chosen.metrics.connections.dec();
            unreached(through);
        });
        for (ByteBuf each = early.poll(); each != null; each = early.poll()) {
            var _ = to.write(each, to.voidPromise());
        }
        to.flush();
        if (clientDone) {
            endOf(to);
        }
        readClient(true);
        readTarget(true);
    }

    /** Not after a side has said all: then there is nothing to be read. */
    private void readClient(boolean on) {
        if (!clientDone) {
            reading(on);
        }
    }

    private void readTarget(boolean on) {
        if (target != null && !targetDone) {
            var _ = target.config().setAutoRead(on);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Channel to = target;
        if (!(message instanceof ByteBuf bytes) || over) {
            ReferenceCountUtil.release(message);
        } else if (to == null) {
            // Bounded by what one read gives, since reading has stopped.
            bytesIn += bytes.readableBytes();
            early.add(bytes);
        } else {
            bytesIn += bytes.readableBytes();
            lastNanos = state().now();
            var _ = to.write(bytes, to.voidPromise());
            if (!to.isWritable()) {
                readClient(false);
            }
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (target != null) {
            target.flush();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        readTarget(channel().isWritable());
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (saysAll(event) && !clientDone) {
            clientDone = true;
            if (target != null) {
                endOf(target);
            }
        }
        ReferenceCountUtil.release(event);
    }

    /** Tells one side that the other has said all; closes both when both have. */
    private void endOf(Channel to) {
        if (clientDone && targetDone) {
            var _ = to.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> super.close());
            return;
        }
        var _ = to.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> {
            SslHandler tls = to.pipeline().get(SslHandler.class);
            if (tls == null) {
                shutdownOutput(to);
            } else {
                // Without this alert the other side could not tell the end from bytes that were kept from it (RFC 8446,
                // 6.1).
                var _ = tls.closeOutbound().addListener(_ -> shutdownOutput(to));
            }
        });
    }

    private static void shutdownOutput(Channel to) {
        if (to instanceof DuplexChannel duplex && to.isActive()) {
            var _ = duplex.shutdownOutput();
        }
    }

    /** A side has said all: by TCP, or by TLS. */
    private static boolean saysAll(Object event) {
        return event == ChannelInputShutdownEvent.INSTANCE
                || event instanceof SslCloseCompletionEvent end && end.isSuccess();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!(cause instanceof IOException) && !(cause instanceof DecoderException)) {
            state().plane.unexpected(cause);
        }
        end(CLIENT_GONE, "client");
    }

    /** Streams may last for hours: they are let go on until the time for that is over. */
    @Override
    void drain() {}

    @Override
    void checkIdle(long now) {
        if (now - lastNanos > state().plane.options.tunnelIdle().toNanos()) {
            end(StreamReport.OK, "idle");
        }
    }

    @Override
    void gone() {
        over = true;
        untrack();
        Passage through = passage;
        if (through != null && !reaching) {
            through.end();
        }
        for (ByteBuf each = early.poll(); each != null; each = early.poll()) {
            each.release();
        }
        Channel to = target;
        if (to != null) {
            closeSoon(to);
        }
        tell();
    }

    /** Closes the connection to the endpoint when it has taken everything, and soon if it takes nothing. */
    private void closeSoon(Channel to) {
        Future<?> late = state().loop.schedule(() -> to.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        var _ = to.closeFuture().addListener(_ -> late.cancel(false));
        var _ = to.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    private void tell() {
        RuleAction rule = action;
        Upstream at = upstream;
        Upstream.Target last = endpoint;
        StreamReport report = new StreamReport(
                port().secure() ? "TLS" : "TCP",
                address(),
                serverName,
                rule == null ? "" : rule.route,
                at == null ? "" : at.name,
                last == null ? "" : last.toString(),
                tries,
                bytesIn,
                bytesOut,
                state().now() - beginNanos,
                status,
                reason);
        if (rule != null) {
            rule.metrics.streamed(report);
        }
        state().tell(observation, report, port());
    }

    /** The endpoint's connection. */
    private final class TargetSide extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            lastNanos = state().now();
            if (message instanceof ByteBuf bytes) {
                bytesOut += bytes.readableBytes();
            }
            Channel to = channel();
            var _ = to.write(message, to.voidPromise());
            if (!to.isWritable()) {
                readTarget(false);
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            channel().flush();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            readClient(context.channel().isWritable());
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (saysAll(event) && !targetDone) {
                targetDone = true;
                endOf(channel());
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (!targetDone) {
                broken();
            }
            var _ = channel().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            broken();
            var _ = context.close();
        }

        private void broken() {
            if (!over && reason.isEmpty()) {
                status = StreamReport.UNREACHABLE;
                reason = Attempt.Failure.RESET.word;
            }
        }
    }
}
