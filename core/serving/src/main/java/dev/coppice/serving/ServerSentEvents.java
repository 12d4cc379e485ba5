package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A server-sent event stream (HTML standard, section 9.2). A comment goes out every 15 seconds, so that proxies keep the
 * connection open. Safe for use by many threads.
 */
final class ServerSentEvents implements PageLayout.EventStream {
    private static final Duration BEAT = Duration.ofSeconds(15);

    private final Kernel kernel;
    private final Executor executor;
    private final Exchange exchange;
    private final BooleanSupplier allowed;
    private final OutputStream out;
    private boolean closed;
    private Timers.@Nullable Timer beat;

    /** @param allowed whether the client may still have events; asked before each, and with each beat */
    ServerSentEvents(Kernel kernel, Exchange exchange, BooleanSupplier allowed) throws IOException {
        this.kernel = kernel;
        this.allowed = allowed;
        this.executor = HandlerThreads.executor(kernel);
        this.exchange = exchange;
        exchange.setHeader("Content-Type", "text/event-stream; charset=utf-8")
                .setHeader("Cache-Control", "no-store")
                .setHeader("X-Accel-Buffering", "no");
        // Registering marks the answer as endless: a stopping listener does not wait for it.
        exchange.onClose(() -> {});
        this.out = exchange.stream();
        write("retry: 2000\n\n");
        scheduleBeat();
    }

    @Override
    public void send(String event, String data) throws IOException {
        requireAllowed();
        StringBuilder text = new StringBuilder(data.length() + 64);
        text.append("event: ").append(event.replaceAll("[\\r\\n]", " ")).append('\n');
        data.lines().forEach(line -> text.append("data: ").append(line).append('\n'));
        if (data.isEmpty()) {
            text.append("data:\n");
        }
        write(text.append('\n').toString());
    }

    private void requireAllowed() throws IOException {
        if (!allowed.getAsBoolean()) {
            close();
            throw new ClientGoneException("the session of the event stream has ended");
        }
    }

    private synchronized void write(String text) throws IOException {
        if (closed || !exchange.open()) {
            throw new ClientGoneException("the event stream has ended");
        }
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private synchronized void scheduleBeat() {
        if (!closed) {
            beat = kernel.timers().schedule(BEAT, this::beat);
        }
    }

    /** On the timer's thread, which must not block. */
    private void beat() {
        try {
            executor.execute(() -> {
                try {
                    requireAllowed();
                    write(": beat\n\n");
                    scheduleBeat();
                } catch (IOException gone) {
                    close();
                }
            });
        } catch (RejectedExecutionException stopping) {
            // Nobody is left to keep the stream for.
        }
    }

    @Override
    public synchronized boolean open() {
        return !closed && exchange.open();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Timers.Timer current = beat;
        if (current != null) {
            boolean _ = current.cancel();
        }
        try {
            out.close();
        } catch (IOException gone) {
            // The client went first.
        }
    }
}
