package dev.coppice.acceptance.gateway;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/** Requests without a pause on connections that are kept, until it is closed; what of them was not answered with 200. */
public final class KeepAliveLoad implements AutoCloseable {
    private static final int FAILURE_LIMIT = 100;

    private final AtomicBoolean running = new AtomicBoolean(true);
    private final LongAdder answered = new LongAdder();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    public KeepAliveLoad(String address, int port, int connections, String target) {
        for (int i = 0; i < connections; i++) {
            threads.add(Thread.ofVirtual().start(() -> run(address, port, target)));
        }
    }

    private void run(String address, int port, String target) {
        String head = RawHttp.head("GET", target, address, List.of());
        while (running.get() && failures.size() < FAILURE_LIMIT) {
            try (Socket socket = RawHttp.connect(address, port, null, "")) {
                BufferedInputStream in = new BufferedInputStream(socket.getInputStream());
                while (running.get()) {
                    socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
                    RawHttp.Answer answer = RawHttp.read(in, false);
                    if (answer.status() != 200) {
                        failures.add(answer.status() + " " + answer.text());
                        break;
                    }
                    answered.increment();
                    // A server may end a connection when it says so.
                    if ("close".equals(answer.header("connection"))) {
                        break;
                    }
                }
            } catch (IOException e) {
                failures.add(e.toString());
            }
        }
    }

    public long answered() {
        return answered.sum();
    }

    /** Answers other than 200 and broken connections. */
    public List<String> failures() {
        return List.copyOf(failures);
    }

    @Override
    public void close() throws InterruptedException {
        running.set(false);
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
