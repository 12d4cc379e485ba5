package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;

/** One side of an exchange, which may become that of a {@link Tunnel}. Used on its event loop only. */
interface TunnelEnd {

    /** From now on it gives its bytes to a tunnel, and tells it of its end. */
    void tunnel(Tunnel through);

    /** Takes bytes over. */
    void send(ByteBuf bytes);

    void flush();

    /** Whether more should be written now. */
    boolean writable();

    /** Stops or goes on reading. */
    void reading(boolean on);

    /** Ends when all that was sent is through. */
    void finish();
}
