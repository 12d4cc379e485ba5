package dev.coppice.bench.gateway;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Memory of Coppice for a WebSocket that is open and idle, its connection to the endpoint included; then each of them carries a message there and back, and
 * all are closed. Each takes two descriptors of every process, so that the limit of these bounds their number.
 */
public final class GatewayWebSockets {
    private static final int ROUTES = 100;
    /** So that none has more connections than Coppice makes to one by default. */
    private static final int ENDPOINTS = 8;

    private static final int WARM_UP = 200;
    private static final String ANSWER =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

    private GatewayWebSockets() {}

    public static void main(String[] arguments) throws Exception {
        int sockets = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 9_000;
        try (Testbed bed = Testbed.open();
                Selector selector = Selector.open()) {
            List<Integer> ports = new ArrayList<>();
            for (int i = 0; i < ENDPOINTS; i++) {
                ServerSocketChannel server = ServerSocketChannel.open();
                server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
                server.configureBlocking(false).register(selector, SelectionKey.OP_ACCEPT);
                ports.add(server.socket().getLocalPort());
            }
            Thread.ofPlatform().daemon().start(() -> echo(selector));
            Testbed.Proxy proxy = bed.coppice(ports, ROUTES, "-Xms512m", "-XX:+AlwaysPreTouch");
            run(proxy, sockets);
        }
    }

    private static void run(Testbed.Proxy proxy, int count) throws Exception {
        List<Socket> open = new ArrayList<>();
        for (int i = 0; i < WARM_UP; i++) {
            open.add(open(proxy));
        }
        int descriptors = proxy.descriptors();
        long before = proxy.resident() + proxy.liveHeap();
        for (int i = 0; i < count; i++) {
            open.add(open(proxy));
        }
        long after = proxy.resident() + proxy.liveHeap();
        int most = proxy.descriptors();
        long ticks = proxy.cpuTicks();
        TimeUnit.SECONDS.sleep(30);
        long idle = proxy.cpuTicks() - ticks;
        byte[] message = "\u0082\u0085\0\0\0\0hello".getBytes(StandardCharsets.ISO_8859_1);
        for (Socket each : open) {
            each.getOutputStream().write(message);
        }
        int answered = 0;
        for (Socket each : open) {
            byte[] back = new byte[message.length];
            new DataInputStream(each.getInputStream()).readFully(back);
            answered += Arrays.equals(message, back) ? 1 : 0;
        }
        for (Socket each : open) {
            each.close();
        }
        TimeUnit.SECONDS.sleep(5);
        System.out.printf(
                "{\"bench\":\"gateway-websockets\",\"open\":%d,\"bytes\":%d,\"idle_cpu_ms_per_second\":%.1f,\"answered\":%d,\"descriptors\":%d,"
                        + "\"descriptors_after\":%d,\"descriptors_before\":%d}%n",
                open.size(),
                (after - before) / count,
                idle * 10 / 30.0,
                answered,
                most,
                proxy.descriptors(),
                descriptors - 2 * WARM_UP);
    }

    private static Socket open(Testbed.Proxy proxy) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.plain());
        socket.setSoTimeout(20_000);
        socket.getOutputStream()
                .write(("GET " + Testbed.FILE + " HTTP/1.1\r\nHost: " + Testbed.host(ROUTES)
                                + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = socket.getInputStream().read();
            if (next < 0) {
                throw new IOException("closed after: " + head);
            }
            head.append((char) next);
        }
        if (!head.toString().startsWith("HTTP/1.1 101 ")) {
            throw new IOException("answered: " + head);
        }
        return socket;
    }

    /** Answers heads with a change of protocol, and all else with itself. */
    private static void echo(Selector selector) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(16 << 10);
        try {
            while (true) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.channel() instanceof ServerSocketChannel server) {
                        server.accept().configureBlocking(false).register(selector, SelectionKey.OP_READ);
                        continue;
                    }
                    SocketChannel channel = (SocketChannel) key.channel();
                    bytes.clear();
                    if (channel.read(bytes) < 0) {
                        channel.close();
                        continue;
                    }
                    bytes.flip();
                    boolean head = bytes.get(0) == 'G';
                    channel.write(head ? ByteBuffer.wrap(ANSWER.getBytes(StandardCharsets.US_ASCII)) : bytes);
                }
                selector.selectedKeys().clear();
            }
        } catch (ClosedSelectorException e) {
            // It is over.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
