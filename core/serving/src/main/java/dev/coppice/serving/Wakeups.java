package dev.coppice.serving;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Wakes the I/O threads once for many answers. To wake one is a system call, and one that is woken for each answer writes each
 * to its connection by itself; a thread that has many answers at hand gives them all first. Safe for use by many threads.
 */
public final class Wakeups {
    private static final ThreadLocal<@Nullable List<IoHandler>> WAITING = new ThreadLocal<>();

    private Wakeups() {}

    /** Does what gives answers; the I/O threads that are asleep hear of them at the end, also when it fails. */
    public static void together(Runnable work) {
        if (WAITING.get() != null) {
            work.run();
            return;
        }
        List<IoHandler> waiting = new ArrayList<>();
        WAITING.set(waiting);
        try {
            work.run();
        } finally {
            WAITING.remove();
            waiting.forEach(IoHandler::wakeup);
        }
    }

    /** Makes handlers whose wake-ups can be put off. */
    static IoHandlerFactory over(IoHandlerFactory factory) {
        return new IoHandlerFactory() {
            @Override
            public IoHandler newHandler(ThreadAwareExecutor executor) {
                return new PatientHandler(factory.newHandler(executor));
            }

            @Override
            public boolean isChangingThreadSupported() {
                return factory.isChangingThreadSupported();
            }
        };
    }

    private record PatientHandler(IoHandler handler) implements IoHandler {
        @Override
        public void wakeup() {
            List<IoHandler> waiting = WAITING.get();
            if (waiting == null) {
                handler.wakeup();
            } else if (!waiting.contains(handler)) {
                waiting.add(handler);
            }
        }

        @Override
        public void initialize() {
            handler.initialize();
        }

        @Override
        public int run(IoHandlerContext context) {
            return handler.run(context);
        }

        @Override
        public void prepareToDestroy() {
            handler.prepareToDestroy();
        }

        @Override
        public void destroy() {
            handler.destroy();
        }

        @Override
        public IoRegistration register(IoHandle handle) throws Exception {
            return handler.register(handle);
        }

        @Override
        public boolean isCompatible(Class<? extends IoHandle> type) {
            return handler.isCompatible(type);
        }
    }
}
