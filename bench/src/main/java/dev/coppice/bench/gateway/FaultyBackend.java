package dev.coppice.bench.gateway;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 server that answers most requests well, with the value of their {@code X-Id}, and the others as no server should: it breaks off within a
 * body, resets, says nonsense, waits, or says nothing at all. WebSockets get their bytes back.
 */
final class FaultyBackend implements AutoCloseable {
    static final int BODY = 1024;
    private static final int LARGE = 1 << 20;

    private final ServerSocket server;
    private final AtomicLong seed;
    /** Of requests, whatever became of them. */
    final AtomicLong asked = new AtomicLong();

    FaultyBackend(long seed) throws IOException {
        this.seed = new AtomicLong(seed);
        server = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket, new SplittableRandom(seed.incrementAndGet())));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket, SplittableRandom random) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            OutputStream out = socket.getOutputStream();
            for (Message request = Message.read(in); request != null; request = Message.read(in)) {
                asked.incrementAndGet();
                if (request.header("upgrade") != null) {
                    say(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
                    in.transferTo(out);
                    return;
                }
                request.skipBody(in);
                if (!answer(socket, out, random, request.header("x-id"))) {
                    return;
                }
            }
        } catch (IOException | InterruptedException e) {
            // The gateway went away, as it may.
        }
    }

    /** @return whether the connection goes on */
    private static boolean answer(Socket socket, OutputStream out, SplittableRandom random, @Nullable String id)
            throws IOException, InterruptedException {
        String head = "HTTP/1.1 200 OK\r\nX-Id: " + id + "\r\n";
        String whole = head + "Content-Length: " + BODY + "\r\n\r\n" + "x".repeat(BODY);
        switch (random.nextInt(100)) {
            case 0 -> {
                say(out, whole.substring(0, whole.length() - 1 - random.nextInt(BODY)));
                return false;
            }
            case 1 -> {
                say(out, whole.substring(0, random.nextInt(whole.length())));
                socket.setSoLinger(true, 0);
                return false;
            }
            case 2 -> {
                say(out, "HTTP/1.1 2000 ?\r\n: \u0001\r\n\r\n");
                return false;
            }
            case 3 -> {
                Thread.sleep(random.nextInt(300));
                say(out, whole);
            }
            case 4 -> {
                say(out, head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx");
                return false;
            }
            case 5 -> {
                say(out, head + "Transfer-Encoding: chunked\r\n\r\n");
                for (int sent = 0; sent < LARGE; sent += 32 << 10) {
                    say(out, "8000\r\n" + "x".repeat(32 << 10) + "\r\n");
                }
                say(out, "0\r\nX-Trailer: 1\r\n\r\n");
            }
            case 6 -> {
                // What nobody asked for comes behind an answer.
                say(out, whole + "HTTP/1.1 200 OK\r\nX-Id: none\r\nContent-Length: 0\r\n\r\n");
            }
            case 7 -> {
                if (random.nextInt(20) == 0) {
                    // Longer than a try may take.
                    Thread.sleep(11_000);
                }
                return false;
            }
            default -> say(out, whole);
        }
        return true;
    }

    private static void say(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A head of HTTP/1.1, and how its body is read. */
    record Message(String start, String head) {
        private static final int MOST_HEAD = 64 << 10;

        /** @return null: the connection ended before it */
        static @Nullable Message read(InputStream in) throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
                int next = in.read();
                if (next < 0 || head.length() > MOST_HEAD) {
                    return null;
                }
                head.append((char) next);
            }
            return new Message(head.substring(0, head.indexOf("\r\n")), head.toString());
        }

        /** @return null: there is none */
        @Nullable
        String header(String name) {
            int at = head.toLowerCase(Locale.ROOT).indexOf("\r\n" + name + ":");
            return at < 0
                    ? null
                    : head.substring(at + name.length() + 3, head.indexOf("\r\n", at + 2))
                            .trim();
        }

        /** @return its bytes; fewer were there: an {@link IOException} */
        long skipBody(InputStream in) throws IOException {
            if (header("transfer-encoding") != null) {
                long all = 0;
                while (true) {
                    int size = Integer.parseInt(line(in), 16);
                    if (size == 0) {
                        while (!line(in).isEmpty()) {}
                        return all;
                    }
                    in.skipNBytes(size + 2L);
                    all += size;
                }
            }
            String length = header("content-length");
            long size = length == null ? 0 : Long.parseLong(length);
            in.skipNBytes(size);
            return size;
        }

        private static String line(InputStream in) throws IOException {
            StringBuilder line = new StringBuilder();
            while (true) {
                int next = in.read();
                if (next < 0 || line.length() > MOST_HEAD) {
                    throw new IOException("the connection ended within a body");
                }
                if (next == '\n') {
                    return line.toString();
                }
                if (next != '\r') {
                    line.append((char) next);
                }
            }
        }
    }
}
