package dev.coppice.distribution.transport;

import java.net.InetSocketAddress;
import java.util.function.Function;

/**
 * How nodes connect: an I/O seam, by gRPC with TLS or simulated in tests. Both ends are authenticated as nodes of the same
 * cluster. A transport notices by itself, within seconds, that the other end is silent, and then closes the connection. Safe
 * for use by many threads.
 */
public interface Transport extends AutoCloseable {

    /** Begins to connect; the connection may be used at once, and is closed when it cannot be made. */
    Connection connect(InetSocketAddress address, Receiver receiver);

    /** Who receives what comes in on connections that other nodes make; until then they are refused. */
    void accept(Function<Connection, Receiver> acceptor);

    @Override
    void close();
}
