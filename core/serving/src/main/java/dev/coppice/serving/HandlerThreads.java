package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** Where handlers run: a virtual thread for each request. */
final class HandlerThreads {
    private HandlerThreads() {}

    static Executor executor(Kernel kernel) {
        return Executors.newVirtualThreadPerTaskExecutor();
    }
}
