package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/** The client of a request that the gateway sends for itself, as it had one like it from a client: nobody, who takes whatever comes. */
final class NobodyStream implements ClientStream {
    private final ClientStream like;

    /** @param like whose request was like it; it may be gone */
    NobodyStream(ClientStream like) {
        this.like = like;
    }

    @Override
    public EventLoopState state() {
        return like.state();
    }

    @Override
    public Client connection() {
        return like.connection();
    }

    @Override
    public Port port() {
        return like.port();
    }

    @Override
    public String address() {
        return like.address();
    }

    @Override
    public byte[] addressBytes() {
        return like.addressBytes();
    }

    @Override
    public @Nullable String serverName() {
        return like.serverName();
    }

    @Override
    public PeerCertificates peerCertificates() {
        return like.peerCertificates();
    }

    @Override
    public boolean draining() {
        return false;
    }

    @Override
    public void interim(HttpResponse head) {}

    @Override
    public void write(HttpObject part) {
        ReferenceCountUtil.release(part);
    }

    @Override
    public void abort() {}

    @Override
    public void ended(Exchange exchange, boolean keep, boolean requestComplete) {}

    @Override
    public boolean upgradable() {
        return false;
    }

    @Override
    public boolean connecting() {
        return false;
    }

    @Override
    public void leave() {}

    @Override
    public void tunnel(Tunnel through) {}

    @Override
    public void send(ByteBuf bytes) {
        bytes.release();
    }

    @Override
    public void flush() {}

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public void reading(boolean on) {}

    @Override
    public void finish() {}
}
