package dev.coppice.serving;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The way back to a client, for the one thread that answers: it waits while the client reads slower than the answer is
 * written, for a minute at most, and then closes the channel.
 */
final class AnswerChannel {
    private static final long WRITE_SECONDS = 60;

    private final Channel channel;
    private final Runnable slow;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean gone;

    /** @param slow counts a client that did not read for too long */
    AnswerChannel(Channel channel, Runnable slow) {
        this.channel = channel;
        this.slow = slow;
    }

    boolean isOpen() {
        return channel.isActive();
    }

    void requireOpen() throws ClientGoneException {
        if (!isOpen()) {
            throw new ClientGoneException("the client is gone");
        }
    }

    /** Releases the message when it can't be sent any more. */
    void requireOpen(Object message) throws ClientGoneException {
        if (!isOpen()) {
            ReferenceCountUtil.release(message);
            throw new ClientGoneException("the client is gone");
        }
    }

    /** Waits until something is written. */
    void await(ChannelFuture written) throws IOException {
        try {
            if (!written.await(WRITE_SECONDS, TimeUnit.SECONDS)) {
                slowReader();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while writing the answer", e);
        }
        if (!written.isSuccess()) {
            throw new ClientGoneException("the client went before it had read the whole answer");
        }
    }

    /** Waits until the channel takes more. */
    void awaitWritable() throws IOException {
        if (channel.isWritable()) {
            return;
        }
        lock.lock();
        try {
            long left = TimeUnit.SECONDS.toNanos(WRITE_SECONDS);
            while (!channel.isWritable() && !gone) {
                if (left <= 0) {
                    slowReader();
                }
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while writing the answer", e);
        } finally {
            lock.unlock();
        }
        requireOpen();
    }

    private void slowReader() throws IOException {
        slow.run();
        channel.close();
        throw new ClientGoneException("the client did not read its answer for " + WRITE_SECONDS + " s");
    }

    /** From the I/O thread. */
    void gone() {
        lock.lock();
        try {
            gone = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** From the I/O thread. */
    void writabilityChanged() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
