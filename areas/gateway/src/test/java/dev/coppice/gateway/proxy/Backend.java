package dev.coppice.gateway.proxy;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A backend that answers as a test says, byte for byte, each connection on a thread of its own. */
final class Backend implements AutoCloseable {

    /** A request as it came. */
    record Seen(String line, List<String> headers, String body) {
        Optional<String> header(String name) {
            String prefix = name.toLowerCase(Locale.ROOT) + ":";
            return headers.stream()
                    .filter(each -> each.toLowerCase(Locale.ROOT).startsWith(prefix))
                    .map(each -> each.substring(prefix.length()).trim())
                    .findFirst();
        }
    }

    /** Says what is sent back; null ends the connection. */
    interface Answering {
        @org.jspecify.annotations.Nullable
        String answer(Seen request, Conversation conversation) throws IOException;
    }

    /** For answers that are more than a string. */
    record Conversation(Socket socket, InputStream in, OutputStream out) {
        void send(String bytes) throws IOException {
            out.write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
        }
    }

    private final ServerSocket server;
    private final Answering answering;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    final List<Seen> seen = new CopyOnWriteArrayList<>();
    final AtomicInteger connections = new AtomicInteger();

    Backend(Answering answering) throws IOException {
        this(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()), answering);
    }

    Backend(ServerSocket server, Answering answering) {
        this.server = server;
        this.answering = answering;
        Thread.ofVirtual().start(this::accept);
    }

    static Backend saying(String text) throws IOException {
        return new Backend((_, _) -> ok(text));
    }

    static String ok(String text) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\n\r\n" + text;
    }

    int port() {
        return server.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                connections.incrementAndGet();
                open.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException e) {
            // It was closed.
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            Conversation conversation = new Conversation(socket, in, socket.getOutputStream());
            while (true) {
                Seen request = read(in);
                if (request == null) {
                    return;
                }
                seen.add(request);
                String answer = answering.answer(request, conversation);
                if (answer == null) {
                    return;
                }
                conversation.send(answer);
            }
        } catch (IOException e) {
            // The other side went.
        } finally {
            open.remove(socket);
        }
    }

    private static @org.jspecify.annotations.Nullable Seen read(InputStream in) throws IOException {
        String line = line(in);
        if (line == null) {
            return null;
        }
        List<String> headers = new ArrayList<>();
        for (String each = line(in); each != null && !each.isEmpty(); each = line(in)) {
            headers.add(each);
        }
        Seen head = new Seen(line, headers, "");
        if (head.header("expect").isPresent()) {
            return head;
        }
        String body = "";
        if (head.header("content-length").isPresent()) {
            int length = Integer.parseInt(head.header("content-length").get());
            body = new String(in.readNBytes(length), StandardCharsets.ISO_8859_1);
        } else if (head.header("transfer-encoding").isPresent()) {
            StringBuilder all = new StringBuilder();
            for (String size = line(in); size != null; size = line(in)) {
                int length = Integer.parseInt(size, 16);
                all.append(new String(in.readNBytes(length), StandardCharsets.ISO_8859_1));
                line(in);
                if (length == 0) {
                    break;
                }
            }
            body = all.toString();
        }
        return new Seen(line, headers, body);
    }

    private static @org.jspecify.annotations.Nullable String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int read = in.read(); read != '\n'; read = in.read()) {
            if (read < 0) {
                return null;
            }
            if (read != '\r') {
                line.append((char) read);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket each : open) {
            each.close();
        }
    }
}
