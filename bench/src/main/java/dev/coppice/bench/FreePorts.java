package dev.coppice.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ports for servers that a benchmark starts. Each is free when it is given, and given once. Safe for use by many threads.
 *
 * <p>They are below those that Linux gives to connections unless it is told otherwise: of these, one may be gone before its server takes it. The tests' own class of this name minds more,
 * as tests run beside each other, but the main code of this module cannot use what is made of tests of others.
 */
public final class FreePorts {
    private static final int LAST = 32_767;
    private static final AtomicInteger NEXT = new AtomicInteger(20_000);

    private FreePorts() {}

    /**
     * One that nobody has.
     *
     * @throws IOException when all have been given
     */
    public static int next() throws IOException {
        for (int port = NEXT.getAndIncrement(); port <= LAST; port = NEXT.getAndIncrement()) {
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(false);
                socket.bind(new InetSocketAddress(port));
                return port;
            } catch (IOException e) {
                // Somebody has it.
            }
        }
        throw new IOException("no port up to " + LAST + " is left");
    }
}
