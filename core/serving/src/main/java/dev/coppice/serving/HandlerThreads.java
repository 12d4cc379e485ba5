package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.SupervisedExecutor;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.Executor;

/**
 * Where handlers run: a virtual thread for each request, in one supervised executor per kernel. It is a child of the root
 * from before the first listener starts, so that it ends after the last one.
 */
final class HandlerThreads {
    private static final String NAME = "requests";
    private static final Map<Kernel, WeakReference<SupervisedExecutor>> BY_KERNEL = new WeakHashMap<>();

    private HandlerThreads() {}

    static Executor executor(Kernel kernel) {
        synchronized (BY_KERNEL) {
            WeakReference<SupervisedExecutor> held = BY_KERNEL.get(kernel);
            SupervisedExecutor existing = held == null ? null : held.get();
            if (existing != null) {
                return existing;
            }
            try {
                SupervisedExecutor made = kernel.root().executor(NAME);
                // The tree holds it; a strong reference here would keep the kernel from being collected.
                BY_KERNEL.put(kernel, new WeakReference<>(made));
                return made;
            } catch (StartException e) {
                throw new IllegalStateException("the executor of request handlers cannot be started", e);
            }
        }
    }
}
