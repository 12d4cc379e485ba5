package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageException;
import dev.coppice.distribution.transport.Connection;
import dev.coppice.distribution.transport.Receiver;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One connection and what waits on its two sides. What comes in is handled by an {@link Inbox}, one batch at a time; what
 * goes out is put together to batches by whoever sends while the connection takes them.
 */
final class Link implements Receiver, Peer {
    /** Batches on their way to the inbox. */
    static final int WINDOW = 16;

    private static final int BATCH_BYTES = 64 << 10;

    /** How far the making of a connection has come. Guarded by the mesh. */
    sealed interface State {}

    /** The first word of the other side is awaited. */
    record Greeting() implements State {}

    /** Who called was told that it is welcome, and has to confirm. */
    record Welcomed(NodeId node) implements State {}

    record Up(NodeId node) implements State {}

    record Over() implements State {}

    private final Mesh mesh;
    private final DistributionOptions options;
    final boolean dialled;
    final long madeNanos;
    private final Inbox inbox;
    State state = new Greeting();

    /** Its end is being told. Written under the lock of the mesh. */
    volatile boolean ending;

    private volatile @Nullable NodeId node;
    private volatile long sinceNanos;
    private volatile @Nullable Connection connection;
    private volatile boolean closed;
    private final AtomicBoolean ended = new AtomicBoolean();

    private final Object queue = new Object();
    // Guarded by queue:
    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>();
    private int waitingBytes;
    private boolean flushing;

    Link(Mesh mesh, DistributionOptions options, boolean dialled, long nowNanos) {
        this.mesh = mesh;
        this.options = options;
        this.dialled = dialled;
        this.madeNanos = nowNanos;
        this.inbox = mesh.inbox(this);
    }

    void start(Connection made) {
        connection = made;
        if (closed) {
            made.close("it was closed while it was made");
            return;
        }
        made.request(WINDOW);
        writable();
    }

    // ---- who

    void up(NodeId other, long nowNanos) {
        node = other;
        sinceNanos = nowNanos;
    }

    @Override
    public NodeId node() {
        NodeId known = node;
        if (known == null) {
            throw new IllegalStateException("not connected yet");
        }
        return known;
    }

    @Override
    public long sinceNanos() {
        return sinceNanos;
    }

    boolean closed() {
        return closed;
    }

    // ---- out

    @Override
    public boolean mail(byte[] frame) {
        return send(frame, true);
    }

    @Override
    public boolean offer(byte[] frame) {
        return send(frame, false);
    }

    private boolean send(byte[] frame, boolean wait) {
        synchronized (queue) {
            if (full(frame) && !(wait && awaitRoom(frame))) {
                mesh.metrics().dropped(closed ? "disconnected" : "overload");
                return false;
            }
            if (!add(frame)) {
                return false;
            }
        }
        flush();
        return true;
    }

    @Override
    public boolean urgent(byte[] frame) {
        boolean overflow;
        synchronized (queue) {
            overflow = waitingBytes + frame.length > 2L * options.queueBytes();
            if (!overflow && !add(frame)) {
                return false;
            }
        }
        if (overflow) {
            disconnect("the node does not take what is sent to it");
            return false;
        }
        flush();
        return true;
    }

    private boolean full(byte[] frame) {
        return waitingBytes + frame.length > options.queueBytes() && !waiting.isEmpty();
    }

    /** In the monitor of the queue. */
    private boolean awaitRoom(byte[] frame) {
        long end = mesh.clock().nanoTime() + options.patience().toNanos();
        while (!closed && full(frame)) {
            long left = end - mesh.clock().nanoTime();
            if (left <= 0) {
                return false;
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(queue, Math.max(left, 1_000_000));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return !closed;
    }

    private boolean add(byte[] frame) {
        if (closed) {
            mesh.metrics().dropped("disconnected");
            return false;
        }
        waiting.add(frame);
        waitingBytes += frame.length;
        return true;
    }

    /** Sends what waits; whoever finds another one at it leaves it to that one. */
    private void flush() {
        synchronized (queue) {
            if (flushing) {
                return;
            }
            flushing = true;
        }
        while (true) {
            byte[] batch;
            Connection to = connection;
            synchronized (queue) {
                if (closed || waiting.isEmpty() || to == null || !to.writable()) {
                    flushing = false;
                    return;
                }
                batch = batch();
                queue.notifyAll();
            }
            to.send(batch);
        }
    }

    private byte[] batch() {
        ByteWriter out = new ByteWriter(Integer.MAX_VALUE);
        int bytes = 0;
        int frames = 0;
        while (!waiting.isEmpty() && (frames == 0 || bytes + waiting.getFirst().length <= BATCH_BYTES)) {
            byte[] next = waiting.removeFirst();
            out.bytes(next);
            bytes += next.length;
            frames++;
        }
        waitingBytes -= bytes;
        mesh.metrics().sent(frames, bytes);
        return out.toBytes();
    }

    int waitingBytes() {
        synchronized (queue) {
            return waitingBytes;
        }
    }

    @Override
    public void writable() {
        flush();
    }

    // ---- in

    @Override
    public void received(byte[] batch) {
        inbox.put(batch);
    }

    /** Handles a batch, in the inbox's thread. */
    void handle(byte[] batch) {
        try {
            ByteReader in = new ByteReader(batch);
            while (in.left() > 0 && !closed) {
                mesh.received(this, in.bytes());
            }
        } catch (MessageException e) {
            disconnect("it sent what cannot be read: " + e.getMessage());
        }
        Connection from = connection;
        if (from != null && !closed) {
            from.request(1);
        }
    }

    @Override
    public void disconnect(String why) {
        shut();
        Connection known = connection;
        if (known != null) {
            known.close(why);
        } else {
            closed(why);
        }
    }

    private void shut() {
        synchronized (queue) {
            closed = true;
            waiting.clear();
            waitingBytes = 0;
            queue.notifyAll();
        }
    }

    @Override
    public void closed(String why) {
        shut();
        if (ended.compareAndSet(false, true)) {
            inbox.end(why);
        }
    }
}
