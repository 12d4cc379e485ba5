package dev.coppice.probe;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** A TCP server on the loopback interface that follows a script for each connection, as a child of a kernel. */
final class ScriptedServer implements AutoCloseable {
    interface Script {
        void talk(Socket socket, int number) throws Exception;
    }

    private static final AtomicInteger NAMES = new AtomicInteger();
    private final ServerSocket listener;

    ScriptedServer(Kernel kernel, Script script) throws Exception {
        this(kernel, new ServerSocket(0, 128, InetAddress.getLoopbackAddress()), script);
    }

    ScriptedServer(Kernel kernel, ServerSocket listener, Script script) throws Exception {
        this.listener = listener;
        var name = "server-" + NAMES.incrementAndGet();
        var connections = new AtomicInteger();
        kernel.root()
                .start(ChildSpec.task(name, () -> {
                            while (!listener.isClosed()) {
                                Socket socket;
                                try {
                                    socket = listener.accept();
                                } catch (IOException e) {
                                    return;
                                }
                                int number = connections.incrementAndGet();
                                kernel.root()
                                        .start(ChildSpec.task(name + "-" + number, () -> {
                                                    try (socket) {
                                                        script.talk(socket, number);
                                                    } catch (IOException e) {
                                                        // The probe went away.
                                                    }
                                                })
                                                .withRestart(ChildSpec.Restart.TEMPORARY));
                            }
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
    }

    /** Reads a request's head, then sends an answer and closes. */
    static ScriptedServer answering(Kernel kernel, String answer) throws Exception {
        return new ScriptedServer(kernel, (socket, number) -> {
            readHead(socket);
            socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
        });
    }

    static String readHead(Socket socket) throws IOException {
        var out = new StringBuilder();
        while (!out.toString().endsWith("\r\n\r\n")) {
            int c = socket.getInputStream().read();
            if (c < 0) {
                break;
            }
            out.append((char) c);
        }
        return out.toString();
    }

    int port() {
        return listener.getLocalPort();
    }

    String url(String path) {
        return "http://127.0.0.1:" + port() + path;
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
