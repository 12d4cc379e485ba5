package dev.coppice.acceptance.fault;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/** Passes bytes on to a target after a while: a stand-in for a slow network, where the kernel has no netem. */
final class DelayProxy implements AutoCloseable {
    private static final int CHUNK = 16 << 10;
    private static final int MAX_CHUNKS = 256;

    private final ServerSocket server;
    private final InetSocketAddress target;
    private final int leastMillis;
    private final int mostMillis;
    private final Random random;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

    private record Chunk(long dueNanos, byte[] bytes) {}

    DelayProxy(String listen, InetSocketAddress target, int leastMillis, int mostMillis, long seed) throws IOException {
        this.server = new ServerSocket(0, 50, InetAddress.getByName(listen));
        this.target = target;
        this.leastMillis = leastMillis;
        this.mostMillis = mostMillis;
        this.random = new Random(seed);
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket near = server.accept();
                Socket far = new Socket();
                sockets.add(near);
                sockets.add(far);
                Thread.ofVirtual().start(() -> connect(near, far));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void connect(Socket near, Socket far) {
        try {
            far.connect(target, 2000);
            pump(near, far);
            pump(far, near);
        } catch (IOException e) {
            end(near, far);
        }
    }

    private void pump(Socket from, Socket to) {
        BlockingQueue<Chunk> way = new ArrayBlockingQueue<>(MAX_CHUNKS);
        Thread.ofVirtual().start(() -> read(from, to, way));
        Thread.ofVirtual().start(() -> write(from, to, way));
    }

    private void read(Socket from, Socket to, BlockingQueue<Chunk> way) {
        byte[] buffer = new byte[CHUNK];
        try {
            long last = System.nanoTime();
            for (int read = from.getInputStream().read(buffer);
                    read >= 0;
                    read = from.getInputStream().read(buffer)) {
                long due = System.nanoTime() + delayMillis() * 1_000_000L;
                last = Math.max(last, due);
                way.put(new Chunk(last, Arrays.copyOf(buffer, read)));
            }
        } catch (IOException e) {
            end(from, to);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        end(from, to);
    }

    private synchronized int delayMillis() {
        return leastMillis + random.nextInt(mostMillis - leastMillis + 1);
    }

    private void write(Socket from, Socket to, BlockingQueue<Chunk> way) {
        try {
            while (!to.isClosed()) {
                Chunk next = way.take();
                long left = next.dueNanos - System.nanoTime();
                while (left > 0) {
                    LockSupport.parkNanos(left);
                    left = next.dueNanos - System.nanoTime();
                }
                to.getOutputStream().write(next.bytes);
            }
        } catch (IOException e) {
            end(from, to);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(Socket... both) {
        for (Socket each : both) {
            sockets.remove(each);
            try {
                each.close();
            } catch (IOException e) {
                // It is closed then.
                continue;
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        end(sockets.toArray(Socket[]::new));
    }
}
