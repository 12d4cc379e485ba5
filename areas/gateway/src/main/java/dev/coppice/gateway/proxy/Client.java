package dev.coppice.gateway.proxy;

import dev.coppice.gateway.geography.Location;
import dev.coppice.gateway.geography.LocationDatabases;
import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandler;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** A connection from a client, whatever it speaks. Used on its event loop only. */
abstract class Client extends Chain.Member<Client> implements ChannelInboundHandler {
    private final String address;
    private final EventLoopState state;
    private final Port port;
    private final Channel channel;
    /** As a proxy before this one has said; null: none has. */
    private final @Nullable ConnectionEnds told;

    private @Nullable PeerCertificates peerCertificates;
    private Location location = Location.UNKNOWN;
    /** Of the databases that have said where it is; null: nobody has asked. */
    private @Nullable Object locatedBy;

    private boolean opened;

    Client(EventLoopState state, Port port, Channel channel) {
        this.state = state;
        this.port = port;
        this.channel = channel;
        this.told = ProxyHeaderReader.ends(channel);
        InetSocketAddress source = source();
        this.address = source == null ? "" : source.getAddress().getHostAddress();
    }

    public final EventLoopState state() {
        return state;
    }

    public final Port port() {
        return port;
    }

    public final String address() {
        return address;
    }

    public final byte[] addressBytes() {
        InetSocketAddress source = source();
        return source == null ? new byte[0] : source.getAddress().getAddress();
    }

    /** Where it is. */
    final Location location(LocationDatabases databases) {
        Object version = databases.version();
        if (version != locatedBy) {
            InetSocketAddress source = source();
            location = source == null ? Location.UNKNOWN : databases.find(source.getAddress());
            locatedBy = version;
        }
        return location;
    }

    /** Its IP address and port; one of version 6 is in brackets. */
    final String endpoint() {
        InetSocketAddress source = source();
        String host = address.indexOf(':') < 0 ? address : "[" + address + "]";
        return source == null ? "" : host + ":" + source.getPort();
    }

    private @Nullable InetSocketAddress source() {
        return told != null ? told.source() : channel.remoteAddress() instanceof InetSocketAddress peer ? peer : null;
    }

    /** What endpoints are told of the connection; null when nothing is known. */
    final @Nullable ConnectionEnds ends() {
        if (told != null) {
            return told;
        }
        String name = serverName();
        return channel.remoteAddress() instanceof InetSocketAddress source
                        && channel.localAddress() instanceof InetSocketAddress destination
                ? new ConnectionEnds(source, destination, name == null ? "" : name)
                : null;
    }

    /** The name by which the client asked for a certificate; empty when it named none; null without TLS. */
    abstract @Nullable String serverName();

    public final PeerCertificates peerCertificates() {
        PeerCertificates known = peerCertificates;
        if (known == null) {
            known = new PeerCertificates(channel);
            peerCertificates = known;
        }
        return known;
    }

    final Channel channel() {
        return channel;
    }

    public void reading(boolean on) {
        if (channel.config().isAutoRead() != on) {
            var _ = channel.config().setAutoRead(on);
        }
    }

    void close() {
        var _ = channel.close();
    }

    /** Its listener is gone: it ends when it has done what it is doing. */
    abstract void drain();

    /** Closes it when nothing came for long. */
    abstract void checkIdle(long now);

    /** It is closed. */
    abstract void gone();

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        opened = true;
        state.opened(this);
        port.opened();
    }

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        end();
    }

    @Override
    public final void handlerRemoved(ChannelHandlerContext context) {
        end();
    }

    private void end() {
        if (opened) {
            opened = false;
            state.closed(this);
            port.closed();
            gone();
            state.forget(this);
        }
    }

    @Override
    public void channelRegistered(ChannelHandlerContext context) {}

    @Override
    public void channelUnregistered(ChannelHandlerContext context) {}

    @Override
    public void channelActive(ChannelHandlerContext context) {}
}
