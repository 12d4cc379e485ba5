package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bytes that are nearly right, from clients and from endpoints: whatever they are, the gateway has no fault of its own, serves the next client,
 * and keeps nothing. Seeds are printed; {@code -Dgateway.fuzz.seed=N} repeats one, {@code -Dgateway.fuzz.rounds=N} takes more.
 */
@Timeout(300)
class ProxyFuzzTest {
    private static final int ROUNDS = Integer.getInteger("gateway.fuzz.rounds", 300);
    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RESET = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GO_AWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int CONTINUATION = 9;

    private final long seed = Long.getLong("gateway.fuzz.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @Test
    void clientsOfHttp1() throws Exception {
        System.out.println("gateway.fuzz.seed=" + seed);
        byte[] requests = ("GET /a?b=c HTTP/1.1\r\nHost: a.org\r\nX-One: 1\r\n\r\n"
                        + "POST /b HTTP/1.1\r\nHost: a.org\r\nContent-Length: 4\r\n\r\nbody"
                        + "POST /c HTTP/1.1\r\nHost: a.org\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Last: 1\r\n\r\n"
                        + "GET /d HTTP/1.1\r\nHost: a.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                .getBytes(StandardCharsets.ISO_8859_1);
        try (Backend backend = Backend.saying("hello");
                ProxyFixture proxy = new ProxyFixture()) {
            proxy.serve(List.of(rule("u")), guarded(UpstreamConfig.Protocol.HTTP, backend.port()));
            for (int i = 0; i < ROUNDS; i++) {
                send(proxy.port, mutated(requests));
            }
            unharmed(proxy);
        }
    }

    @Test
    void clientsOfHttp2() throws Exception {
        System.out.println("gateway.fuzz.seed=" + seed);
        Http2Backend backend = new Http2Backend(100);
        try (ProxyFixture proxy = new ProxyFixture()) {
            proxy.serve(List.of(rule("u")), guarded(UpstreamConfig.Protocol.H2C, backend.port()));
            for (int i = 0; i < ROUNDS; i++) {
                ByteArrayOutputStream sent = new ByteArrayOutputStream();
                sent.writeBytes(ByteBufUtil.getBytes(Http2CodecUtil.connectionPrefaceBuf()));
                sent.writeBytes(frame(SETTINGS, 0, 0, new byte[0]));
                byte[] frames = frames();
                // Either frames that are right, in an order that may not be, or such with wrong bytes.
                sent.writeBytes(random.nextBoolean() ? frames : mutated(frames));
                send(proxy.port, sent.toByteArray());
            }
            unharmed(proxy);
        } finally {
            backend.close();
        }
    }

    @Test
    void endpoints() throws Exception {
        System.out.println("gateway.fuzz.seed=" + seed);
        byte[] http1 =
                ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                + "5\r\nhello\r\n0\r\nX-Last: 1\r\n\r\n")
                        .getBytes(StandardCharsets.ISO_8859_1);
        byte[] http2 = concat(
                frame(SETTINGS, 0, 0, new byte[0]),
                frame(HEADERS, 4, 1, head(false)),
                frame(DATA, 0, 1, "hello".getBytes(StandardCharsets.ISO_8859_1)),
                frame(WINDOW_UPDATE, 0, 0, new byte[] {0, 0, 1, 0}),
                frame(PING, 0, 0, new byte[8]),
                frame(HEADERS, 5, 1, head(false)));
        for (UpstreamConfig.Protocol protocol : List.of(UpstreamConfig.Protocol.HTTP, UpstreamConfig.Protocol.H2C)) {
            byte[] right = protocol == UpstreamConfig.Protocol.HTTP ? http1 : http2;
            try (java.net.ServerSocket server = new java.net.ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                    ProxyFixture proxy = new ProxyFixture(
                            ProxyOptions.DEFAULT.withLoops(1).withStalled(java.time.Duration.ofMillis(500)))) {
                proxy.serve(List.of(rule("u")), guarded(protocol, server.getLocalPort()));
                Thread endpoint = Thread.ofVirtual().start(() -> serve(server, right));
                for (int i = 0; i < ROUNDS / 3; i++) {
                    String answer = proxy.get("/");
                    assertThat(answer.isEmpty() || answer.startsWith("HTTP/1.1 "))
                            .as(answer)
                            .isTrue();
                }
                proxy.awaitNothingOpen();
                assertThat(proxy.plane.metrics.faults.get()).isZero();
                server.close();
                endpoint.join();
            }
        }
    }

    private void serve(java.net.ServerSocket server, byte[] right) {
        while (true) {
            try (Socket socket = server.accept()) {
                socket.setSoTimeout(2_000);
                int read = socket.getInputStream().read(new byte[4096]);
                if (read > 0) {
                    socket.getOutputStream().write(mutated(right));
                    socket.getOutputStream().flush();
                }
            } catch (IOException e) {
                if (server.isClosed()) {
                    return;
                }
            }
        }
    }

    /** With all that counts requests, and nothing that refuses any. */
    private static UpstreamConfig guarded(UpstreamConfig.Protocol protocol, int port) {
        long hour = 3_600_000_000_000L;
        int most = 1_000_000;
        return new UpstreamConfig(
                "u",
                protocol,
                List.of(new UpstreamConfig.Endpoint("127.0.0.1", port)),
                null,
                TrafficConfig.NONE.withResilience(new ResilienceConfig(
                        new ResilienceConfig.Breaker(
                                ResilienceConfig.Breaker.Mode.AUTOMATIC,
                                0,
                                100,
                                10,
                                0,
                                List.of(500),
                                0,
                                0,
                                hour,
                                hour,
                                1,
                                hour),
                        null,
                        new ResilienceConfig.Concurrency(most, most, 150, hour),
                        new ResilienceConfig.Limits(most, most, most, most, 3),
                        null)));
    }

    private static void send(int port, byte[] bytes) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(50);
            socket.getOutputStream().write(bytes);
            socket.shutdownOutput();
            byte[] ignored = socket.getInputStream().readAllBytes();
            assertThat(ignored).isNotNull();
        } catch (IOException e) {
            // Closed while it still sent, or nothing to say: both are fine.
        }
    }

    private static void unharmed(ProxyFixture proxy) throws IOException {
        assertThat(proxy.get("/")).contains("hello");
        proxy.awaitNothingOpen();
        assertThat(proxy.plane.metrics.faults.get()).isZero();
    }

    /** Some bytes changed, taken out, put in, said twice, or cut off. */
    private byte[] mutated(byte[] right) {
        byte[] bytes = right.clone();
        for (int i = random.nextInt(4); i >= 0; i--) {
            if (bytes.length < 2) {
                return bytes;
            }
            int at = random.nextInt(bytes.length);
            int end = Math.min(bytes.length, at + 1 + random.nextInt(16));
            bytes = switch (random.nextInt(6)) {
                case 0 -> {
                    bytes[at] = (byte) random.nextInt(256);
                    yield bytes;
                }
                case 1 -> {
                    bytes[at] ^= (byte) (1 << random.nextInt(8));
                    yield bytes;
                }
                case 2 -> concat(part(bytes, 0, at), part(bytes, end, bytes.length));
                case 3 -> concat(part(bytes, 0, end), part(bytes, at, bytes.length));
                case 4 ->
                    concat(part(bytes, 0, at), new byte[] {(byte) random.nextInt(256)}, part(bytes, at, bytes.length));
                default -> part(bytes, 0, random.nextInt(4) == 0 ? at : bytes.length);
            };
        }
        return bytes;
    }

    /** Frames of a few streams, in any order. */
    private byte[] frames() throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = random.nextInt(20); i >= 0; i--) {
            int stream = random.nextInt(8);
            int flags = random.nextInt(8) == 0 ? random.nextInt(256) : random.nextBoolean() ? 5 : 4;
            all.writeBytes(
                    switch (random.nextInt(9)) {
                        case 0, 1, 2 -> frame(HEADERS, flags, stream, head(true));
                        case 3 -> frame(DATA, flags & 1, stream, new byte[random.nextInt(100)]);
                        case 4 -> frame(RESET, 0, stream, new byte[] {0, 0, 0, 8});
                        case 5 -> frame(WINDOW_UPDATE, 0, stream, new byte[] {0x7F, 0, 0, (byte) random.nextInt(256)});
                        case 6 -> frame(PING, flags & 1, random.nextInt(10) == 0 ? 1 : 0, new byte[8]);
                        case 7 -> frame(SETTINGS, 0, 0, new byte[] {0, 4, 0, 0, (byte) random.nextInt(256), 0});
                        default ->
                            random.nextBoolean()
                                    ? frame(CONTINUATION, 4, stream, head(true))
                                    : frame(GO_AWAY, 0, 0, new byte[8]);
                    });
        }
        return all.toByteArray();
    }

    private byte[] head(boolean request) throws Exception {
        Http2Headers head = request
                ? Http2Peer.head(random.nextBoolean() ? "GET" : "POST", random.nextBoolean() ? "/echo" : "/silent")
                : new io.netty.handler.codec.http2.DefaultHttp2Headers(false).status("200");
        if (random.nextInt(3) == 0) {
            head.add("content-length", Integer.toString(random.nextInt(20)));
        }
        ByteBuf encoded = Unpooled.buffer();
        new DefaultHttp2HeadersEncoder().encodeHeaders(1, head, encoded);
        return ByteBufUtil.getBytes(encoded);
    }

    /** A frame of HTTP/2 (RFC 9113, 4.1). */
    static byte[] frame(int type, int flags, int stream, byte[] payload) {
        ByteBuf frame = Unpooled.buffer();
        frame.writeMedium(payload.length)
                .writeByte(type)
                .writeByte(flags)
                .writeInt(stream)
                .writeBytes(payload);
        return ByteBufUtil.getBytes(frame);
    }

    private static byte[] part(byte[] bytes, int from, int to) {
        return java.util.Arrays.copyOfRange(bytes, from, to);
    }

    private static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] each : parts) {
            all.writeBytes(each);
        }
        return all.toByteArray();
    }
}
