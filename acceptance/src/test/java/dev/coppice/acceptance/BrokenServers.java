package dev.coppice.acceptance;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Servers on loopback that behave as badly as those one meets. */
final class BrokenServers implements AutoCloseable {
    private interface Conversation {
        void with(Socket client, OutputStream out) throws IOException, InterruptedException;
    }

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final List<AutoCloseable> open = new ArrayList<>();
    private final HttpServer http;

    BrokenServers() throws IOException {
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        http.setExecutor(threads);
        http.start();
    }

    /** An answer that comes a byte a second and never ends; gives the URL. */
    String drip() throws IOException {
        return serve((_, out) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            while (!closing.await(1, TimeUnit.SECONDS)) {
                out.write('.');
                out.flush();
            }
        });
    }

    /** A status line that comes a byte a second and never ends. */
    String dripHead() throws IOException {
        return serve((_, out) -> {
            while (!closing.await(1, TimeUnit.SECONDS)) {
                out.write('H');
                out.flush();
            }
        });
    }

    /** Bytes that are no HTTP at all, for as long as the client reads. */
    String garbage() throws IOException {
        return serve((_, out) -> {
            byte[] garbage = new byte[8192];
            for (int i = 0; i < garbage.length; i++) {
                garbage[i] = (byte) (i * 31 + 7);
            }
            while (closing.getCount() > 0) {
                out.write(garbage);
            }
        });
    }

    /** Header lines without end. */
    String endlessHeaders() throws IOException {
        return serve((_, out) -> {
            out.write("HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.US_ASCII));
            byte[] line = ("X-More: " + "x".repeat(1000) + "\r\n").getBytes(StandardCharsets.US_ASCII);
            while (closing.getCount() > 0) {
                out.write(line);
            }
        });
    }

    /** A well-behaved answer with this body. */
    String body(String path, String body) {
        http.createContext(path, exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(bytes);
            }
        });
        return url(http.getAddress().getPort()) + path;
    }

    /** A redirect to another URL. */
    String redirect(String path, String to) {
        http.createContext(path, exchange -> {
            exchange.getResponseHeaders().add("Location", to);
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        });
        return url(http.getAddress().getPort()) + path;
    }

    private String serve(Conversation conversation) throws IOException {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        open.add(server);
        threads.execute(() -> {
            while (!server.isClosed()) {
                try {
                    Socket client = server.accept();
                    threads.execute(() -> talk(client, conversation));
                } catch (IOException closed) {
                    return;
                }
            }
        });
        return url(server.getLocalPort()) + "/";
    }

    private static void talk(Socket client, Conversation conversation) {
        try (client) {
            conversation.with(client, client.getOutputStream());
        } catch (IOException goneAway) {
            // That is what clients of such servers do.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String url(int port) {
        return "http://127.0.0.1:" + port;
    }

    @Override
    public void close() throws Exception {
        closing.countDown();
        http.stop(0);
        for (AutoCloseable each : open) {
            each.close();
        }
        threads.shutdownNow();
    }
}
