package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** WebSockets, with the JDK's client. */
@Timeout(30)
class WebSocketAnswerTest {
    private final Kernel kernel = Kernel.start();
    private final HttpClient client = HttpClient.newHttpClient();
    private final CountDownLatch more = new CountDownLatch(1);
    private final CountDownLatch gone = new CountDownLatch(1);
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    private HttpListener listener;

    @BeforeEach
    void start() throws Exception {
        listener = new HttpListener(
                kernel,
                new ListenerOptions(
                        "test", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), null, 1_000, 10),
                null);
        listener.start(reason -> {});
        listener.routes().mount("/", this::tell);
    }

    @AfterEach
    void stop() throws Exception {
        listener.stop();
        // close() would wait for WebSockets, for ever when one was never ended.
        client.shutdownNow();
        kernel.close();
    }

    /** Says a long word, waits, says a short one. */
    private void tell(Exchange exchange) throws Exception {
        exchange.setHeader("Content-Type", "text/plain");
        exchange.onClose(() -> {
            gone.countDown();
            more.countDown();
        });
        Optional<OutputStream> messages = exchange.messages();
        try (OutputStream out = messages.isPresent() ? messages.get() : exchange.stream()) {
            out.write("ü".repeat(50_000).getBytes(StandardCharsets.UTF_8));
            out.flush();
            if (messages.isPresent()) {
                more.await();
            }
            out.write("end".getBytes(StandardCharsets.UTF_8));
        }
    }

    private final class Listening implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                told.add(text.toString());
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
            told.add("pong");
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            told.add("close " + code);
            return null;
        }
    }

    private String base(String scheme) {
        return scheme + "://127.0.0.1:" + listener.address().orElseThrow().getPort();
    }

    @Test
    void everyWriteIsAMessageAndTheEndAClose() throws Exception {
        WebSocket socket = client.newWebSocketBuilder()
                .header("Origin", base("http"))
                .buildAsync(URI.create(base("ws") + "/"), new Listening())
                .get();
        assertThat(told.take()).isEqualTo("ü".repeat(50_000));
        socket.sendPing(ByteBuffer.wrap(new byte[] {1})).get();
        assertThat(told.take()).isEqualTo("pong");
        socket.sendText("is not read", true).get();
        more.countDown();
        assertThat(told.take()).isEqualTo("end");
        assertThat(told.take()).isEqualTo("close 1000");
    }

    @Test
    void aClientThatClosesIsNoticed() throws Exception {
        WebSocket socket = client.newWebSocketBuilder()
                .buildAsync(URI.create(base("ws") + "/"), new Listening())
                .get();
        assertThat(told.take()).hasSize(50_000);
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get();
        gone.await();
    }

    @Test
    void othersGetAStream() throws Exception {
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(URI.create(base("http") + "/")).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).endsWith("üend");
    }

    @Test
    void aPageOfAnotherOriginGetsNone() {
        assertThatThrownBy(() -> client.newWebSocketBuilder()
                        .header("Origin", "https://evil.example")
                        .buildAsync(URI.create(base("ws") + "/"), new Listening())
                        .get())
                .isInstanceOf(ExecutionException.class);
    }
}
