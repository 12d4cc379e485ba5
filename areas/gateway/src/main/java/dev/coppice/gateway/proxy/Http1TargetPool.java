package dev.coppice.gateway.proxy;

import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import io.netty.channel.Channel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One event loop's connections of HTTP/1.1 to one endpoint. The one that was used last is used first, so that as many as needed stay. Those
 * who find all of them taken wait in the order of arrival. Used on that loop only.
 */
final class Http1TargetPool implements TargetPool {
    private final EventLoopState state;
    private final Upstream.Target target;
    private final ProxyOptions options;
    private final @Nullable ConnectionEnds ends;
    private boolean retired;
    private final Deque<TargetConnection> idle = new ArrayDeque<>();
    private final Set<TargetConnection> connections = new HashSet<>();
    private final Deque<Attempt> waiting = new ArrayDeque<>();
    private final Set<Connecting> connecting = new HashSet<>();

    /** A connection that is being made. */
    private static final class Connecting {
        /** Who it is for; null once that does not want it any more. */
        private @Nullable Attempt attempt;

        Connecting(Attempt attempt) {
            this.attempt = attempt;
        }
    }

    /** @param ends of the client that all of it is for; null: of any */
    Http1TargetPool(EventLoopState state, Upstream.Target target, @Nullable ConnectionEnds ends) {
        this.state = state;
        this.ends = ends;
        this.target = target;
        this.options = state.plane.options;
    }

    @Override
    public int open() {
        return connections.size() + connecting.size();
    }

    @Override
    public boolean empty() {
        return open() == 0 && waiting.isEmpty();
    }

    @Override
    public void take(Attempt attempt) {
        TargetConnection reused = pollIdle();
        if (reused != null) {
            reused.serve(attempt, true);
        } else if (open() < options.maxEndpointConnections() && target.guard().connect(open() == 0)) {
            connect(attempt);
        } else if (waiting.size() < options.maxEndpointWaiting()) {
            waiting.addLast(attempt);
        } else {
            attempt.failed(Attempt.Failure.WAITING);
        }
    }

    @Override
    public void forget(Attempt attempt) {
        waiting.remove(attempt);
        for (Connecting each : connecting) {
            if (each.attempt == attempt) {
                each.attempt = null;
            }
        }
    }

    private @Nullable TargetConnection pollIdle() {
        for (TargetConnection last = idle.pollLast(); last != null; last = idle.pollLast()) {
            if (last.usable()) {
                return last;
            }
        }
        return null;
    }

    private void connect(Attempt asking) {
        Connecting one = new Connecting(asking);
        connecting.add(one);
        state.connector.connect(target, ends, new TargetConnector.Caller() {
            @Override
            public void connected(Channel channel, String protocol) {
                connecting.remove(one);
                TargetConnection made = new TargetConnection(Http1TargetPool.this, state);
                state.http1.addClient(channel.pipeline());
                channel.pipeline().addLast(made);
                connections.add(made);
                target.metrics.connections.inc();
                Attempt attempt = one.attempt;
                if (attempt == null || attempt.over()) {
                    give(made);
                } else {
                    made.serve(attempt, false);
                }
            }

            @Override
            public void failed(Attempt.Failure why) {
                connecting.remove(one);
                target.guard().disconnected();
                Attempt attempt = one.attempt;
                if (attempt != null && !attempt.over()) {
                    attempt.failed(why);
                }
                next();
            }
        });
    }

    /** Those who wait get what is there, or a connection that may be made now. */
    private void next() {
        Attempt attempt = waiting.pollFirst();
        if (attempt != null) {
            take(attempt);
        }
    }

    /** A connection can serve the next. */
    void give(TargetConnection connection) {
        Attempt attempt = waiting.pollFirst();
        if (attempt != null) {
            connection.serve(attempt, true);
        } else if (target.gone || retired) {
            connection.close();
        } else {
            connection.idleSince(state.now());
            idle.addLast(connection);
        }
    }

    void closed(TargetConnection connection) {
        if (connections.remove(connection)) {
            target.metrics.connections.dec();
            target.guard().disconnected();
            boolean _ = idle.remove(connection);
            next();
        }
    }

    @Override
    public void closeIdle(long now) {
        while (true) {
            TargetConnection oldest = idle.peekFirst();
            if (oldest == null
                    || !target.gone
                            && now - oldest.idleSince() < options.endpointIdle().toNanos()) {
                return;
            }
            idle.pollFirst();
            oldest.close();
        }
    }

    @Override
    public void closeAll() {
        Set.copyOf(connections).forEach(TargetConnection::close);
    }

    @Override
    public void retire() {
        retired = true;
        for (TargetConnection each = idle.pollFirst(); each != null; each = idle.pollFirst()) {
            each.close();
        }
    }

    Upstream.Target target() {
        return target;
    }
}
