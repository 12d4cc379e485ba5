package dev.coppice.gateway.proxy;

import io.netty.channel.ChannelFactory;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

/** How sockets are reached. */
record Transport(
        IoHandlerFactory io,
        ChannelFactory<? extends ServerChannel> server,
        ChannelFactory<? extends SocketChannel> client,
        ChannelFactory<? extends DatagramChannel> datagrams) {

    /**
     * Java's own way. Netty's epoll transport (4.2.18) cannot read a connection again whose other side has said all while it was not
     * read: it takes it out of epoll, and takes it for being there. The end of a large answer to a slow client would be lost.
     */
    static Transport best() {
        return new Transport(
                NioIoHandler.newFactory(), NioServerSocketChannel::new, NioSocketChannel::new, NioDatagramChannel::new);
    }
}
