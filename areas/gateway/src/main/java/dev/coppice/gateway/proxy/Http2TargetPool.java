package dev.coppice.gateway.proxy;

import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import io.netty.channel.Channel;
import io.netty.handler.ssl.ApplicationProtocolNames;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One event loop's connections of HTTP/2 to one endpoint: one, as long as the endpoint serves enough streams on it. Those for whom there is
 * none wait in the order of arrival. Used on that loop only.
 */
final class Http2TargetPool implements TargetPool {
    private final EventLoopState state;
    private final Upstream.Target target;
    private final ProxyOptions options;
    private final @Nullable ConnectionEnds ends;
    private boolean retired;
    private final Set<Http2TargetConnection> connections = new LinkedHashSet<>();
    private final Deque<Attempt> waiting = new ArrayDeque<>();
    private boolean connecting;

    /** @param ends of the client that all of it is for; null: of any */
    Http2TargetPool(EventLoopState state, Upstream.Target target, @Nullable ConnectionEnds ends) {
        this.state = state;
        this.ends = ends;
        this.target = target;
        this.options = state.plane.options;
    }

    Upstream.Target target() {
        return target;
    }

    @Override
    public int open() {
        return connections.size() + (connecting ? 1 : 0);
    }

    @Override
    public boolean empty() {
        return open() == 0 && waiting.isEmpty();
    }

    @Override
    public void take(Attempt attempt) {
        Http2TargetConnection free = free();
        if (free != null) {
            free.serve(attempt, true);
            return;
        }
        if (waiting.size() >= options.maxEndpointWaiting()) {
            attempt.failed(Attempt.Failure.WAITING);
            return;
        }
        waiting.addLast(attempt);
        connect();
    }

    @Override
    public void forget(Attempt attempt) {
        waiting.remove(attempt);
    }

    private @Nullable Http2TargetConnection free() {
        for (Http2TargetConnection each : connections) {
            if (each.usable()) {
                return each;
            }
        }
        return null;
    }

    private void connect() {
        if (connecting
                || connections.size() >= options.maxEndpointConnections()
                || !target.guard().connect(connections.isEmpty())) {
            return;
        }
        connecting = true;
        state.connector.connect(target, ends, new TargetConnector.Caller() {
            @Override
            public void connected(Channel channel, String protocol) {
                boolean secure = target.tls != null;
                if (secure && !protocol.equals(ApplicationProtocolNames.HTTP_2)) {
                    target.complain("it does not offer HTTP/2 (ALPN h2)");
                    var _ = channel.close();
                    failed(Attempt.Failure.TLS);
                    return;
                }
                connecting = false;
                Http2TargetConnection made = new Http2TargetConnection(Http2TargetPool.this, state, secure);
                channel.pipeline().addLast(made.handler, made);
                connections.add(made);
                target.metrics.connections.inc();
                serveWaiting(made, false);
                if (retired && made.idle()) {
                    made.close();
                }
            }

            @Override
            public void failed(Attempt.Failure why) {
                connecting = false;
                target.guard().disconnected();
                // All of them: nobody else would tell them.
                for (Attempt each : List.copyOf(waiting)) {
                    if (waiting.remove(each)) {
                        each.failed(why);
                    }
                }
            }
        });
    }

    private void serveWaiting(Http2TargetConnection on, boolean reused) {
        while (!waiting.isEmpty() && on.usable()) {
            on.serve(waiting.removeFirst(), reused);
        }
        if (!waiting.isEmpty()) {
            connect();
        }
    }

    /** A connection may serve somebody, or more than before. */
    void room(Http2TargetConnection connection) {
        serveWaiting(connection, true);
    }

    /** A connection serves nobody new. */
    void retired(Http2TargetConnection connection) {
        if (!waiting.isEmpty()) {
            connect();
        }
    }

    void closed(Http2TargetConnection connection) {
        if (connections.remove(connection)) {
            target.metrics.connections.dec();
            target.guard().disconnected();
            if (!waiting.isEmpty()) {
                connect();
            }
        }
    }

    @Override
    public void closeIdle(long now) {
        for (Http2TargetConnection each : List.copyOf(connections)) {
            boolean unused = each.idle()
                    && now - each.idleSince() >= options.endpointIdle().toNanos();
            if (unused || each.idle() && target.gone) {
                each.close();
            }
        }
    }

    /** Whether its connections are not needed once they are unused. */
    boolean over() {
        return retired || target.gone;
    }

    @Override
    public void retire() {
        retired = true;
        for (Http2TargetConnection each : List.copyOf(connections)) {
            if (each.idle()) {
                each.close();
            }
        }
    }

    @Override
    public void closeAll() {
        List.copyOf(connections).forEach(Http2TargetConnection::close);
    }
}
