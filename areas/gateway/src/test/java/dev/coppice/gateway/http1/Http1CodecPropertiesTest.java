package dev.coppice.gateway.http1;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever comes or goes, in whatever pieces, it is read and written as Netty's codec does. */
@Timeout(300)
class Http1CodecPropertiesTest {
    private static final int ROUNDS = Integer.getInteger("gateway.http1.rounds", 4_000);
    private static final int MOST_LINE = 60;
    private static final int MOST_HEADER = 200;
    private static final List<String> METHODS = List.of(
            "GET", "GET", "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "G ET", "");
    private static final List<String> TARGETS = List.of(
            "/",
            "/a?b=c",
            "http://a.org/x",
            // With GET as long as may be, with POST longer.
            "/" + "x".repeat(MOST_LINE - "GET / HTTP/1.1".length()),
            "*",
            "",
            "/ü",
            "/a b",
            "/" + "x".repeat(MOST_LINE));
    private static final List<String> VERSIONS = List.of(
            "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "");
    private static final List<String> FIELDS = List.of(
            "Host: a.org\r\n",
            "host: b.org\r\n",
            "User-Agent: curl/8\r\n",
            "Accept: */*\r\n",
            "Connection: keep-alive\r\n",
            "Connection: close\r\n",
            "X-One:1\r\n",
            "X-One:  1\r\n",
            "X-One: 1 \r\n",
            "X-One: \r\n",
            "X-One:\r\n",
            "X-One : 1\r\n",
            "X-Tab: a\tb\r\n",
            "X-Folded: a\r\n b\r\n",
            " X-Begin: a\r\n",
            "X-Latin: é\r\n",
            "X(: 1\r\n",
            ": 1\r\n",
            "X-Lf: 1\n",
            "X-Cr: 1\rb\r\n",
            "X-Null: \u0000\r\n",
            "no colon\r\n",
            "X-Long: " + "y".repeat(MOST_HEADER) + "\r\n",
            "Upgrade: websocket\r\n",
            "Upgrade-Insecure-Requests: 1\r\n",
            "Sec-WebSocket-Key1: 1\r\nSec-WebSocket-Key2: 2\r\n",
            "Transfer-Encoding: chunked\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Content-Length: 5\r\n",
            "content-length: 5\r\n",
            "Content-Length: 0\r\n",
            "Content-Length: 05\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Type: text/plain\r\n");
    /** How many at the beginning of the list are such as all send. */
    private static final int USUAL_FIELDS = 6;

    private static final List<String> BODIES = List.of(
            "",
            "",
            "hello",
            "5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
            "hel",
            "5;a=b\r\nhello\r\n");

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);

    private interface Round {
        void run() throws Exception;
    }

    private void repeat(Round round) throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            try {
                round.run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("-Dseed=" + seed + ", round " + i + ": " + e.getMessage(), e);
            }
        }
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private static HttpDecoderConfig config() {
        return new HttpDecoderConfig().setMaxInitialLineLength(MOST_LINE).setMaxHeaderSize(MOST_HEADER);
    }

    private static EmbeddedChannel ours(boolean server) {
        EmbeddedChannel channel = new EmbeddedChannel();
        Http1Codec codec = new Http1Codec(MOST_LINE, MOST_HEADER);
        if (server) {
            codec.addServer(channel.pipeline());
        } else {
            codec.addClient(channel.pipeline());
        }
        return channel;
    }

    private static EmbeddedChannel netty(boolean server) {
        ChannelHandler codec = server ? new HttpServerCodec(config()) : new HttpClientCodec(config(), false, false);
        return new EmbeddedChannel(codec);
    }

    // ---- what comes

    private String fields() {
        StringBuilder all = new StringBuilder();
        boolean plain = random.nextBoolean();
        for (int i = random.nextInt(5); i > 0; i--) {
            all.append(FIELDS.get(random.nextInt(plain ? USUAL_FIELDS : FIELDS.size())));
        }
        return all.toString();
    }

    private String request() {
        boolean plain = random.nextInt(3) > 0;
        String line = plain
                ? METHODS.get(random.nextInt(8)) + " " + TARGETS.get(random.nextInt(4)) + " HTTP/1.1\r\n"
                : one(METHODS) + one(List.of(" ", " ", "  ", "\t")) + one(TARGETS) + " " + one(VERSIONS)
                        + one(List.of("\r\n", "\r\n", "\n", "\r"));
        return one(List.of("", "", "", "", "\r\n", " ")) + line + framed();
    }

    private String response() {
        String line = random.nextInt(3) > 0
                ? "HTTP/1.1 "
                        + one(List.of(
                                "200 OK",
                                "404 Not Found",
                                "200 Fine",
                                "204 No Content",
                                "304 Not Modified",
                                "101 Switching Protocols"))
                        + "\r\n"
                : one(VERSIONS)
                        + one(List.of(" ", "  "))
                        + one(List.of("200", "100", "101", "205", "099", "20", "2x0", "999", ""))
                        + one(List.of(" OK", "", " ", " O K ", " ü"))
                        + one(List.of("\r\n", "\n"));
        return line + framed();
    }

    /** Fields and a body, which mostly fit each other. */
    private String framed() {
        return switch (random.nextInt(4)) {
            case 0 -> fields() + "\r\n";
            case 1 -> fields() + "Content-Length: 5\r\n" + fields() + "\r\nhello";
            case 2 -> fields() + "Transfer-Encoding: chunked\r\n\r\n" + BODIES.get(3 + random.nextInt(2));
            default -> fields() + one(List.of("\r\n", "\r\n", "\n", "")) + one(BODIES);
        };
    }

    private byte[] mutated(byte[] bytes) {
        byte[] some = bytes.clone();
        if (some.length > 0 && random.nextInt(4) == 0) {
            some[random.nextInt(some.length)] =
                    one(List.of(0, 10, 13, 32, 58, 65, 255, 9, 48)).byteValue();
        }
        return some;
    }

    /** What a handler is told, in a form that can be compared: parts of a body are one. */
    private static void tell(List<Object> from, List<String> told) {
        StringBuilder body = new StringBuilder();
        for (Object each : from) {
            if (each instanceof HttpMessage message) {
                told.add(head(message));
            }
            if (each instanceof HttpContent part) {
                body.append(part.content().toString(StandardCharsets.ISO_8859_1));
                if (part instanceof LastHttpContent last) {
                    told.add("body " + body + " end " + last.trailingHeaders().entries() + failed(last));
                    body.setLength(0);
                }
            } else if (each instanceof ByteBuf raw) {
                body.append(raw.toString(StandardCharsets.ISO_8859_1));
            }
            ReferenceCountUtil.release(each);
        }
        told.add("open " + body);
    }

    private static String head(HttpMessage message) {
        String first = switch (message) {
            case HttpRequest request -> request.method() + " " + request.uri();
            case HttpResponse response -> response.status().toString();
            default -> throw new AssertionError(message);
        };
        List<String> fields = new ArrayList<>();
        message.headers()
                .iteratorCharSequence()
                .forEachRemaining(each -> fields.add(each.getKey() + ": " + each.getValue()));
        // How much of a head that is refused is told does not matter.
        return message.decoderResult().isFailure()
                ? "refused: " + message.decoderResult().cause().getClass().getSimpleName()
                : first + " " + message.protocolVersion() + " " + fields;
    }

    private static String failed(HttpObject part) {
        return part.decoderResult().isFailure()
                ? " refused: " + part.decoderResult().cause().getClass().getSimpleName()
                : "";
    }

    private List<String> read(EmbeddedChannel channel, byte[] bytes, int[] cuts, List<HttpMethod> asked) {
        for (HttpMethod each : asked) {
            var _ = channel.writeOutbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, each, "/"));
        }
        List<Object> inbound = new ArrayList<>();
        List<String> told = new ArrayList<>();
        int from = 0;
        for (int cut : cuts) {
            try {
                var _ = channel.writeInbound(Unpooled.copiedBuffer(bytes, from, cut - from));
            } catch (DecoderException e) {
                told.add("failed: " + e.getClass().getSimpleName());
            }
            from = cut;
        }
        var _ = channel.finish();
        for (Object each = channel.readInbound(); each != null; each = channel.readInbound()) {
            inbound.add(each);
        }
        tell(inbound, told);
        channel.releaseOutbound();
        return told;
    }

    /** Where pieces end: between messages, or anywhere. */
    private int[] cuts(List<String> messages) {
        int length = String.join("", messages).length();
        List<Integer> cuts = new ArrayList<>();
        int end = 0;
        for (String each : messages) {
            end += each.length();
            if (random.nextBoolean()) {
                cuts.add(end);
            }
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            cuts.add(random.nextInt(length + 1));
        }
        cuts.add(length);
        return cuts.stream().mapToInt(Integer::intValue).sorted().toArray();
    }

    @Test
    void requestsAreRead() throws Exception {
        repeat(() -> {
            List<String> all = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                all.add(request());
            }
            byte[] bytes = mutated(String.join("", all).getBytes(StandardCharsets.ISO_8859_1));
            int[] cuts = cuts(all);
            assertThat(read(ours(true), bytes, cuts, List.of()))
                    .as("%s in pieces up to %s", all, Arrays.toString(cuts))
                    .isEqualTo(read(netty(true), bytes, cuts, List.of()));
        });
    }

    @Test
    void responsesAreRead() throws Exception {
        repeat(() -> {
            List<String> all = new ArrayList<>();
            List<HttpMethod> asked = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                all.add(response());
                if (random.nextInt(10) > 0) {
                    asked.add(one(List.of(HttpMethod.GET, HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD)));
                }
            }
            byte[] bytes = mutated(String.join("", all).getBytes(StandardCharsets.ISO_8859_1));
            int[] cuts = cuts(all);
            assertThat(read(ours(false), bytes, cuts, asked))
                    .as("%s in pieces up to %s, asked by %s", all, Arrays.toString(cuts), asked)
                    .isEqualTo(read(netty(false), bytes, cuts, asked));
        });
    }

    /** Also when it looks like one. */
    @Test
    void whatComesAfterASwitchOfProtocolsIsNoMessage() {
        List<String> pieces = List.of(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        byte[] bytes = String.join("", pieces).getBytes(StandardCharsets.ISO_8859_1);
        int[] cuts = {pieces.getFirst().length(), bytes.length};
        List<HttpMethod> asked = List.of(HttpMethod.GET, HttpMethod.GET);
        assertThat(read(ours(false), bytes, cuts, asked))
                .isEqualTo(read(netty(false), bytes, cuts, asked))
                .last()
                .isEqualTo("open " + pieces.getLast());
    }

    private static int reads(EmbeddedChannel channel, String bytes) {
        AtomicInteger reads = new AtomicInteger();
        channel.pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
            @Override
            public void read(ChannelHandlerContext context) {
                reads.incrementAndGet();
            }
        });
        channel.config().setAutoRead(false);
        var _ = channel.writeInbound(Unpooled.copiedBuffer(bytes, StandardCharsets.ISO_8859_1));
        channel.releaseInbound();
        var _ = channel.finishAndReleaseAll();
        return reads.get();
    }

    /** More is read by itself only for what is not whole yet: whoever stops reading is told no more. */
    @Test
    void whoStopsReadingIsObeyed() {
        String whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for (String each :
                List.of(whole, whole + "GET /b HT", "GET /b HT", whole + whole + "\r\n", "POST" + whole.substring(3))) {
            assertThat(reads(ours(true), each)).as(each).isEqualTo(reads(netty(true), each));
        }
    }

    // ---- what goes

    /** Something that is sent, made anew for each side. */
    private interface Sent {
        List<Object> parts(HttpHeaders headers);
    }

    private static byte[] written(EmbeddedChannel channel, List<Object> parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (Object each : parts) {
            var _ = channel.writeOutbound(each);
            for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
                bytes.writeBytes(ByteBufUtil.getBytes(out));
                out.release();
            }
        }
        var _ = channel.finishAndReleaseAll();
        return bytes.toByteArray();
    }

    private static HttpHeaders received() {
        EmbeddedChannel channel = ours(true);
        var _ = channel.writeInbound(Unpooled.copiedBuffer(
                "GET / HTTP/1.1\r\nHost: a.org\r\nAccept: */*\r\nCookie: a=b\r\n\r\n", StandardCharsets.ISO_8859_1));
        HttpRequest request = channel.readInbound();
        HttpHeaders headers = request.headers();
        assertThat(headers).isInstanceOf(ReceivedHeaders.class);
        var _ = channel.finishAndReleaseAll();
        return headers;
    }

    private Sent body(
            java.util.function.Function<HttpHeaders, HttpMessage> head,
            java.util.function.BiFunction<HttpHeaders, ByteBuf, HttpMessage> full) {
        int length = one(List.of(0, 1, 1000, 20_000));
        boolean chunked = random.nextInt(3) == 0;
        boolean whole = random.nextBoolean();
        boolean changed = random.nextBoolean();
        boolean trailers = random.nextInt(4) == 0;
        return headers -> {
            if (changed) {
                headers.remove(HttpHeaderNames.ACCEPT);
                headers.set("x-forwarded-for", "1.2.3.4");
                headers.add("x-strange", "ü日");
            }
            if (chunked) {
                headers.set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
            } else {
                headers.set(HttpHeaderNames.CONTENT_LENGTH, length);
            }
            byte[] content = new byte[length];
            if (whole) {
                return List.of(full.apply(headers, Unpooled.copiedBuffer(content)));
            }
            List<Object> parts = new ArrayList<>();
            parts.add(head.apply(headers));
            if (length > 0) {
                parts.add(new DefaultHttpContent(Unpooled.copiedBuffer(content, 0, length / 2)));
            }
            DefaultLastHttpContent last =
                    new DefaultLastHttpContent(Unpooled.copiedBuffer(content, length / 2, length - length / 2));
            if (trailers) {
                last.trailingHeaders().add("x-last", "1");
            }
            parts.add(length == 0 && !trailers ? LastHttpContent.EMPTY_LAST_CONTENT : last);
            return parts;
        };
    }

    private static HttpHeaders nettys(HttpHeaders like) {
        return new io.netty.handler.codec.http.DefaultHttpHeaders().set(like);
    }

    @Test
    void requestsAreWritten() throws Exception {
        repeat(() -> {
            EmbeddedChannel ours = ours(false);
            EmbeddedChannel netty = netty(false);
            List<Object> first = new ArrayList<>();
            List<Object> second = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                HttpMethod method = one(List.of(HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD));
                String target = one(List.of("/", "/a?b=ü", "http://a.org", "", "*"));
                HttpVersion version = one(List.of(HttpVersion.HTTP_1_1, HttpVersion.HTTP_1_1, HttpVersion.HTTP_1_0));
                Sent sent = body(
                        headers -> new DefaultHttpRequest(version, method, target, headers),
                        (headers, content) -> new DefaultFullHttpRequest(
                                version, method, target, content, headers, EmptyHttpHeaders.INSTANCE));
                HttpHeaders headers = received();
                second.addAll(sent.parts(nettys(headers)));
                first.addAll(sent.parts(headers));
            }
            assertThat(new String(written(ours, first), StandardCharsets.ISO_8859_1))
                    .isEqualTo(new String(written(netty, second), StandardCharsets.ISO_8859_1));
        });
    }

    @Test
    void responsesAreWritten() throws Exception {
        repeat(() -> {
            EmbeddedChannel ours = ours(true);
            EmbeddedChannel netty = netty(true);
            List<Object> first = new ArrayList<>();
            List<Object> second = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                String method = one(List.of("GET", "HEAD", "POST"));
                for (EmbeddedChannel each : List.of(ours, netty)) {
                    var _ = each.writeInbound(Unpooled.copiedBuffer(
                            method + " / HTTP/1.1\r\nHost: a\r\n\r\n", StandardCharsets.ISO_8859_1));
                    each.releaseInbound();
                }
                var status = io.netty.handler.codec.http.HttpResponseStatus.valueOf(
                        one(List.of(200, 200, 404, 204, 205, 304)));
                Sent sent = body(
                        headers -> new DefaultHttpResponse(HttpVersion.HTTP_1_1, status, headers),
                        (headers, content) -> new DefaultFullHttpResponse(
                                HttpVersion.HTTP_1_1, status, content, headers, EmptyHttpHeaders.INSTANCE));
                HttpHeaders headers = received();
                second.addAll(sent.parts(nettys(headers)));
                first.addAll(sent.parts(headers));
            }
            assertThat(new String(written(ours, first), StandardCharsets.ISO_8859_1))
                    .isEqualTo(new String(written(netty, second), StandardCharsets.ISO_8859_1));
        });
    }
}
