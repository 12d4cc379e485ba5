package dev.coppice.cli;

import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ShutdownHook;
import dev.coppice.server.GatewayServer;
import dev.coppice.server.OperatorServer;
import dev.coppice.server.Server;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Waits for Ctrl-C, SIGTERM or the end of the server, and holds the exit of the JVM until all is stopped in order. */
final class StopSignal {
    private static final int SHUTDOWN_SECONDS = 30;

    private final CompletableFuture<Integer> asked = new CompletableFuture<>();
    private final CountDownLatch stopped = new CountDownLatch(1);

    private StopSignal() {}

    static StopSignal install(Server server) {
        StopSignal signal = install(server.terminated(), server::onClosed);
        var unused = server.removed().thenAccept(why -> {
            if (signal.asked.complete(0)) {
                System.err.println("coppice: " + why);
            }
        });
        return signal;
    }

    static StopSignal install(OperatorServer server) {
        return install(server.terminated(), server::onClosed);
    }

    static StopSignal install(GatewayServer server) {
        return install(server.terminated(), server::onClosed);
    }

    private static StopSignal install(CompletableFuture<ExitReason> terminated, Consumer<Runnable> onClosed) {
        StopSignal signal = new StopSignal();
        var unused = terminated.thenAccept(reason -> {
            if (reason instanceof ExitReason.Crash crash && signal.asked.complete(1)) {
                System.err.println("coppice: the supervision tree gave up: " + crash.cause());
            }
        });
        ShutdownHook.install("coppice-stop", () -> {
            if (signal.asked.complete(0)) {
                System.err.println("Stopping.");
            }
            try {
                if (!signal.stopped.await(SHUTDOWN_SECONDS, TimeUnit.SECONDS)) {
                    System.err.println("coppice: not everything stopped within " + SHUTDOWN_SECONDS + " s");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        onClosed.accept(signal.stopped::countDown);
        return signal;
    }

    /** The exit status, once something ended the node. */
    int await() {
        return asked.join();
    }
}
