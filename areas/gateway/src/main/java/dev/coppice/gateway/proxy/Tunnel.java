package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;

/** Bytes between a client and an endpoint, both ways, after they have changed the protocol. Used on their event loop only. */
final class Tunnel {
    private final ClientConnection client;
    private final TargetConnection target;
    private final Runnable ended;
    private boolean over;
    private long lastNanos;

    Tunnel(ClientConnection client, TargetConnection target, Runnable ended) {
        this.client = client;
        this.target = target;
        this.ended = ended;
        this.lastNanos = client.state().now();
    }

    void fromTarget(ByteBuf bytes) {
        lastNanos = client.state().now();
        Channel to = client.channel();
        var _ = to.write(bytes, to.voidPromise());
        if (!to.isWritable()) {
            target.reading(false);
        }
    }

    void fromClient(ByteBuf bytes) {
        lastNanos = client.state().now();
        Channel to = target.channel();
        var _ = to.write(bytes, to.voidPromise());
        if (!to.isWritable()) {
            client.reading(false);
        }
    }

    void flushClient() {
        client.channel().flush();
    }

    void flushTarget() {
        target.channel().flush();
    }

    void targetWritable(boolean writable) {
        client.reading(writable);
    }

    void clientWritable(boolean writable) {
        target.reading(writable);
    }

    long lastNanos() {
        return lastNanos;
    }

    void targetClosed() {
        end();
        client.closeAfterFlush();
    }

    void clientClosed() {
        end();
        target.closeAfterFlush();
    }

    private void end() {
        if (!over) {
            over = true;
            ended.run();
        }
    }
}
