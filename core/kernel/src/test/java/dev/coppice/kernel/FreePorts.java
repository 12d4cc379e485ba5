package dev.coppice.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ports of this machine for servers that a test starts later, or at which nobody is to listen. Safe for use by many threads.
 *
 * <p>A port of {@code new ServerSocket(0)} that is closed again is no such port: until it is bound once more, the operating system may give it to any socket that asks for none, also to
 * every connection that goes out. These are of none that it gives by itself (Linux' {@code net.ipv4.ip_local_port_range}, ip-sysctl.rst), free for TCP and for UDP when they are given, and
 * given once. JVMs that run tests beside each other take blocks of ports, and each keeps the first port of its blocks bound for as long as it lives: nobody else takes such a block.
 *
 * <p>The tests of all modules have this class from the artifact {@code coppice-kernel} of type {@code test-jar}, as the kernel is below all of them; nothing but this class is in it.
 */
public final class FreePorts {
    /** Those below are of servers that are known by their ports, and of what the documentation and tests write out. */
    private static final int LOWEST = 10_000;

    private static final int HIGHEST = 65_535;
    /** Fewer are not worth the asking: one class may want dozens. */
    private static final int FEW = 1_000;

    private static final int BLOCK = 100;
    private static final FreePorts OF_THIS_JVM = new FreePorts(Range.outside(givenBySystem()));

    private final Range range;
    /** First ports of the blocks, bound so that nobody else takes these. */
    private final List<ServerSocket> blocks = new ArrayList<>();

    private int block;
    private int next;
    private int end;

    /** Ports from the first to the last, both included. */
    record Range(int first, int last) {
        /**
         * The larger part of what is below and above the ports that the operating system gives.
         *
         * @param given as Linux writes it, first and last; null where nothing says it, and they are those that IANA sets aside for this
         */
        static Range outside(@Nullable String given) {
            String[] ends = given == null
                    ? new String[] {"49152", "65535"}
                    : given.strip().split("\\s+");
            Range below = new Range(LOWEST, Integer.parseInt(ends[0]) - 1);
            Range above = new Range(Math.max(LOWEST, Integer.parseInt(ends[1]) + 1), HIGHEST);
            Range larger = below.size() >= above.size() ? below : above;
            // Where it gives nearly all of them, there is nothing better than luck.
            return larger.size() < FEW ? new Range(LOWEST, HIGHEST) : larger;
        }

        int size() {
            return last - first + 1;
        }
    }

    FreePorts(Range range) {
        this.range = range;
        this.block = range.first();
    }

    private static @Nullable String givenBySystem() {
        Path file = Path.of("/proc/sys/net/ipv4/ip_local_port_range");
        if (!Files.isReadable(file)) {
            return null;
        }
        // By one read of many bytes: such a file gives nothing to a second one, and its size is told as 0.
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            return lines.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * One that nobody has.
     *
     * @throws IllegalStateException when all have been given
     */
    public static int next() {
        return OF_THIS_JVM.take();
    }

    synchronized int take() {
        while (true) {
            while (next < end) {
                int port = next++;
                if (isFree(port)) {
                    return port;
                }
            }
            takeBlock();
        }
    }

    private void takeBlock() {
        while (block <= range.last()) {
            int first = block;
            block += BLOCK;
            ServerSocket held = bind(first);
            if (held != null) {
                blocks.add(held);
                next = first + 1;
                end = Math.min(first + BLOCK, range.last() + 1);
                return;
            }
        }
        throw new IllegalStateException("no port from " + range.first() + " to " + range.last() + " is left");
    }

    /** Null when somebody has it, also one who has just closed it. */
    private static @Nullable ServerSocket bind(int port) {
        try {
            ServerSocket socket = new ServerSocket();
            try {
                socket.setReuseAddress(false);
                socket.bind(new InetSocketAddress(port));
                return socket;
            } catch (IOException e) {
                socket.close();
                return null;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket stream = bind(port)) {
            if (stream == null) {
                return false;
            }
            try (DatagramSocket datagrams = new DatagramSocket(port)) {
                return datagrams.isBound();
            }
        } catch (IOException e) {
            return false;
        }
    }
}
