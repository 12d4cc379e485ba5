package dev.coppice.gateway.proxy;

import io.netty.channel.ChannelFactory;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

/** How sockets are reached: epoll where the platform has it, else Java's own way. */
record Transport(
        String name,
        IoHandlerFactory io,
        ChannelFactory<? extends ServerChannel> server,
        ChannelFactory<? extends SocketChannel> client,
        ChannelFactory<? extends DatagramChannel> datagrams) {

    static Transport best() {
        return Epoll.isAvailable()
                ? new Transport(
                        "epoll",
                        EpollIoHandler.newFactory(),
                        EpollServerSocketChannel::new,
                        EpollSocketChannel::new,
                        EpollDatagramChannel::new)
                : new Transport(
                        "nio",
                        NioIoHandler.newFactory(),
                        NioServerSocketChannel::new,
                        NioSocketChannel::new,
                        NioDatagramChannel::new);
    }
}
