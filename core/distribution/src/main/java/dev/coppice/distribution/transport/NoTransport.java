package dev.coppice.distribution.transport;

import java.net.InetSocketAddress;
import java.util.function.Function;

/** That of a node that is alone: it reaches nobody and nobody reaches it. */
public final class NoTransport implements Transport {
    @Override
    public Connection connect(InetSocketAddress address, Receiver receiver) {
        receiver.closed("this node is alone");
        return new Connection() {
            @Override
            public void send(byte[] batch) {}

            @Override
            public boolean writable() {
                return false;
            }

            @Override
            public void request(int batches) {}

            @Override
            public void close(String why) {}
        };
    }

    @Override
    public void accept(Function<Connection, Receiver> acceptor) {}

    @Override
    public void close() {}
}
