package dev.coppice.probe;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.net.Inet4Address;
import java.net.InetAddress;

/**
 * A Linux socket for ICMP echo, by the system calls themselves, since Java has none: an unprivileged ping socket where
 * net.ipv4.ping_group_range permits it, else a raw one. It never blocks. Closed by one thread at a time.
 */
final class EchoSocket implements Closeable {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_RAW = 3;
    private static final int NONBLOCK_CLOEXEC = 0x800 | 0x80000;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int EAGAIN = 11;
    private static final int EPERM = 1;
    private static final int EACCES = 13;

    /** This machine lets nobody here send echo requests. */
    static final class ForbiddenException extends IOException {
        private static final long serialVersionUID = 1;
    }

    /** The system calls; linked at first use. */
    private static final class Calls {
        private static final StructLayout STATE = Linker.Option.captureStateLayout();
        private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
        static final MethodHandle SOCKET =
                link("socket", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
        static final MethodHandle CONNECT =
                link("connect", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
        static final MethodHandle SETSOCKOPT = link(
                "setsockopt",
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT);
        static final MethodHandle SEND = linkLong(
                "send", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT);
        static final MethodHandle RECEIVE = linkLong(
                "recv", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT);
        static final MethodHandle CLOSE = link("close", ValueLayout.JAVA_INT);

        private static MethodHandle link(String name, MemoryLayout... arguments) {
            return handle(name, FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
        }

        private static MethodHandle linkLong(String name, MemoryLayout... arguments) {
            return handle(name, FunctionDescriptor.of(ValueLayout.JAVA_LONG, arguments));
        }

        private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
            var linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
        }
    }

    private final Arena arena = Arena.ofShared();
    private final MemorySegment state = arena.allocate(Calls.STATE);
    private final MemorySegment buffer = arena.allocate(2048);
    private final int descriptor;
    private final boolean raw;
    private boolean closed;

    private EchoSocket(int family, int type, int protocol) throws IOException {
        this.raw = type == SOCK_RAW;
        try {
            descriptor = (int) Calls.SOCKET.invokeExact(state, family, type | NONBLOCK_CLOEXEC, protocol);
        } catch (Throwable e) {
            arena.close();
            throw new IOException("cannot make a socket", e);
        }
        if (descriptor < 0) {
            int error = errno();
            arena.close();
            throw error == EPERM || error == EACCES
                    ? new ForbiddenException()
                    : new IOException("cannot make a socket: error " + error);
        }
    }

    /** Opens a socket to an address.
     *
     * @throws ForbiddenException when this process may not */
    static EchoSocket open(InetAddress address, int ttl) throws IOException {
        boolean four = address instanceof Inet4Address;
        int family = four ? AF_INET : AF_INET6;
        int protocol = four ? IPPROTO_ICMP : IPPROTO_ICMPV6;
        EchoSocket socket;
        try {
            socket = new EchoSocket(family, SOCK_DGRAM, protocol);
        } catch (ForbiddenException e) {
            socket = new EchoSocket(family, SOCK_RAW, protocol);
        }
        try {
            socket.prepare(address, four, ttl);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private int errno() {
        return (int) Calls.ERRNO.get(state, 0L);
    }

    private void prepare(InetAddress address, boolean four, int ttl) throws IOException {
        var value = arena.allocate(ValueLayout.JAVA_INT);
        value.set(ValueLayout.JAVA_INT, 0, ttl);
        var where = arena.allocate(28);
        where.set(ValueLayout.JAVA_SHORT, 0, (short) (four ? AF_INET : AF_INET6));
        MemorySegment.copy(address.getAddress(), 0, where, ValueLayout.JAVA_BYTE, four ? 4 : 8, four ? 4 : 16);
        try {
            // IPPROTO_IP/IP_TTL, IPPROTO_IPV6/IPV6_UNICAST_HOPS.
            check((int) Calls.SETSOCKOPT.invokeExact(state, descriptor, four ? 0 : 41, four ? 2 : 16, value, 4));
            check((int) Calls.CONNECT.invokeExact(state, descriptor, where, four ? 16 : 28));
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw new IOException("cannot prepare a socket", e);
        }
    }

    private void check(long result) throws IOException {
        if (result < 0) {
            throw new IOException(
                    switch (errno()) {
                        case 101 -> "the network is unreachable";
                        case 113 -> "no route to the host";
                        case 90 -> "the packet is too large";
                        case EPERM, EACCES -> "the operating system forbids it";
                        default -> "error " + errno() + " of the operating system";
                    });
        }
    }

    /** Whether what is received begins with an IP header and has not been sorted by identifier. */
    boolean raw() {
        return raw;
    }

    synchronized void send(byte[] packet) throws IOException {
        requireOpen();
        MemorySegment.copy(packet, 0, buffer, ValueLayout.JAVA_BYTE, 0, packet.length);
        try {
            check((long) Calls.SEND.invokeExact(state, descriptor, buffer, (long) packet.length, 0));
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw new IOException("cannot send", e);
        }
    }

    /** A packet, or an empty array when there is none yet. */
    synchronized byte[] receive() throws IOException {
        requireOpen();
        long count;
        try {
            count = (long) Calls.RECEIVE.invokeExact(state, descriptor, buffer, buffer.byteSize(), 0);
        } catch (Throwable e) {
            throw new IOException("cannot receive", e);
        }
        if (count < 0) {
            if (errno() == EAGAIN) {
                return new byte[0];
            }
            check(count);
        }
        return buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the socket is closed");
        }
    }

    @Override
    public synchronized void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try {
            int unused = (int) Calls.CLOSE.invokeExact(state, descriptor);
        } catch (Throwable e) {
            throw new IOException("cannot close", e);
        } finally {
            arena.close();
        }
    }
}
