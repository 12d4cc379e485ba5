package dev.coppice.serving;

import dev.coppice.kernel.Clock;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request, between the I/O thread that puts and the handler that reads. Asks for the next part only when the
 * last is used up, so it holds little. Enforces the limit of size, and a least speed.
 */
final class RequestBody extends InputStream {
    private static final long WAIT_SECONDS = 30;
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long LEAST_BYTES_PER_SECOND = 1_024;
    private static final long MAX_DISCARDED_BYTES = 1_048_576;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<ByteBuf> parts = new ArrayDeque<>(4);
    private final Clock clock;
    private final long limitBytes;
    private final long declaredBytes;
    private final Runnable more;
    private final Runnable onSlow;
    private @Nullable Runnable beforeFirstRead;
    private long startNanos;
    private long receivedBytes;
    private long discardedBytes;
    private boolean complete;
    private boolean discarding;
    private boolean gone;
    private boolean lingering;

    /**
     * @param declaredBytes the Content-Length, or -1
     * @param more asks the I/O thread for the next part
     * @param beforeFirstRead sends 100 Continue where the client waits for it
     */
    RequestBody(
            Clock clock,
            long limitBytes,
            long declaredBytes,
            Runnable more,
            Runnable onSlow,
            @Nullable Runnable beforeFirstRead) {
        this.clock = clock;
        this.limitBytes = limitBytes;
        this.declaredBytes = declaredBytes;
        this.more = more;
        this.onSlow = onSlow;
        this.beforeFirstRead = beforeFirstRead;
    }

    /** From the I/O thread; takes over the buffer. False when so much was discarded that the connection must close. */
    boolean put(HttpContent content) {
        lock.lock();
        try {
            ByteBuf part = content.content();
            receivedBytes += part.readableBytes();
            boolean last = content instanceof LastHttpContent;
            boolean empty = !part.isReadable();
            if (discarding) {
                discardedBytes += part.readableBytes();
                part.release();
            } else if (!empty) {
                parts.add(part);
            } else {
                part.release();
            }
            if (last) {
                complete = true;
            } else if (discarding ? mayDiscard() : empty && parts.isEmpty()) {
                more.run();
            }
            changed.signalAll();
            return !discarding || mayDiscard();
        } finally {
            lock.unlock();
        }
    }

    private boolean mayDiscard() {
        return lingering || discardedBytes <= MAX_DISCARDED_BYTES;
    }

    /** Throws away whatever comes until the connection is closed, so that the client can read its answer first. */
    void linger() {
        lock.lock();
        try {
            lingering = true;
        } finally {
            lock.unlock();
        }
        var _ = discard();
    }

    boolean complete() {
        lock.lock();
        try {
            return complete;
        } finally {
            lock.unlock();
        }
    }

    /** From the I/O thread: no more will come. */
    void gone() {
        lock.lock();
        try {
            gone = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The handler is done: the rest is thrown away. True when all of the body came already. */
    boolean discard() {
        lock.lock();
        try {
            if (!discarding) {
                discarding = true;
                boolean asked = parts.isEmpty();
                for (ByteBuf part = parts.poll(); part != null; part = parts.poll()) {
                    discardedBytes += part.readableBytes();
                    part.release();
                }
                if (!complete && !gone && !asked) {
                    more.run();
                }
            }
            return complete;
        } finally {
            lock.unlock();
        }
    }

    /** Whether a rest is left that is too large to be thrown away on the way to the next request. */
    boolean tooMuchLeft() {
        lock.lock();
        try {
            return !complete && (beforeFirstRead != null || declaredBytes - receivedBytes > MAX_DISCARDED_BYTES);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        lock.lock();
        try {
            if (!awaitPart()) {
                return -1;
            }
            ByteBuf part = Objects.requireNonNull(parts.peek());
            int count = Math.min(length, part.readableBytes());
            part.readBytes(bytes, offset, count);
            if (!part.isReadable()) {
                parts.remove().release();
                if (parts.isEmpty() && !complete) {
                    more.run();
                }
            }
            return count;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int available() {
        lock.lock();
        try {
            ByteBuf part = parts.peek();
            return part == null ? 0 : part.readableBytes();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. False at the end. */
    private boolean awaitPart() throws IOException {
        if (declaredBytes > limitBytes) {
            throw new BodyTooLargeException(limitBytes);
        }
        if (startNanos == 0) {
            startNanos = clock.nanoTime() | 1;
        }
        Runnable first = beforeFirstRead;
        if (first != null) {
            beforeFirstRead = null;
            if (!complete && parts.isEmpty()) {
                first.run();
                more.run();
            }
        }
        while (true) {
            if (receivedBytes > limitBytes) {
                throw new BodyTooLargeException(limitBytes);
            }
            if (!parts.isEmpty()) {
                return true;
            }
            if (complete || discarding) {
                return false;
            }
            if (gone) {
                throw new ClientGoneException("the client went before it had sent the whole body");
            }
            awaitChange();
        }
    }

    private void awaitChange() throws IOException {
        long left = TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        try {
            while (parts.isEmpty() && !complete && !discarding && !gone && receivedBytes <= limitBytes) {
                long elapsed = clock.nanoTime() - startNanos;
                long least = Math.max(0, elapsed - GRACE_NANOS) / 1_000_000_000 * LEAST_BYTES_PER_SECOND;
                if (left <= 0 || receivedBytes < least) {
                    onSlow.run();
                    throw new ClientGoneException("the client sends its body too slowly");
                }
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while reading the body", e);
        }
    }
}
