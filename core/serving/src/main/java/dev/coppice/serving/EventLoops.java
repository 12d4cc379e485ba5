package dev.coppice.serving;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The I/O threads that all listeners of this process share; started with the first and ended with the last of them. */
final class EventLoops {
    private static final Object LOCK = new Object();
    private static @Nullable EventLoopGroup group;
    private static int users;

    private EventLoops() {}

    static EventLoopGroup acquire() {
        synchronized (LOCK) {
            EventLoopGroup current = group;
            if (current == null) {
                int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 8);
                current = new MultiThreadIoEventLoopGroup(
                        threads, new DefaultThreadFactory("coppice-io", true), Wakeups.over(NioIoHandler.newFactory()));
                group = current;
            }
            users++;
            return current;
        }
    }

    static void release() {
        synchronized (LOCK) {
            EventLoopGroup current = group;
            if (--users == 0 && current != null) {
                group = null;
                var _ = current.shutdownGracefully(0, 1, TimeUnit.SECONDS);
            }
        }
    }
}
