package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;

/** Bytes between a client and an endpoint, both ways, after they have changed to WebSocket. Used on their event loop only. */
final class Tunnel extends Chain.Member<Tunnel> {
    private final EventLoopState state;
    private final TunnelEnd client;
    private final TunnelEnd target;
    private final WebSockets.PerListener bounds;
    private final Runnable ended;
    private final long beganNanos;
    private long lastNanos;
    private boolean over;

    /** @param ended called once */
    Tunnel(EventLoopState state, TunnelEnd client, TunnelEnd target, WebSockets.PerListener bounds, Runnable ended) {
        this.state = state;
        this.client = client;
        this.target = target;
        this.bounds = bounds;
        this.ended = ended;
        this.beganNanos = state.now();
        this.lastNanos = beganNanos;
    }

    /** Both sides have left HTTP. */
    void begin() {
        state.began(this);
        target.tunnel(this);
        client.tunnel(this);
        if (over) {
            // The endpoint had ended it before the client's side took part.
            client.finish();
        }
    }

    private TunnelEnd other(TunnelEnd end) {
        return end == client ? target : client;
    }

    /** Bytes came from a side. */
    void received(TunnelEnd from, ByteBuf bytes) {
        lastNanos = state.now();
        TunnelEnd to = other(from);
        to.send(bytes);
        if (!to.writable()) {
            from.reading(false);
        }
    }

    /** What was read of a side at once has been told. */
    void readComplete(TunnelEnd from) {
        other(from).flush();
    }

    /** Whether more should be sent to a side. */
    void writable(TunnelEnd to, boolean writable) {
        other(to).reading(writable);
    }

    /** A side has ended. */
    void ended(TunnelEnd from) {
        if (end(from == client ? "client" : "endpoint")) {
            other(from).finish();
        }
    }

    void checkTime(long now) {
        String reason = now - lastNanos > bounds.idleNanos()
                ? "idle"
                : bounds.lifeNanos() > 0 && now - beganNanos > bounds.lifeNanos() ? "lifetime" : "";
        if (!reason.isEmpty() && end(reason)) {
            client.finish();
            target.finish();
        }
    }

    private boolean end(String reason) {
        if (over) {
            return false;
        }
        over = true;
        state.ended(this);
        bounds.ended(reason);
        ended.run();
        return true;
    }
}
