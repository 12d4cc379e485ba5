package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.AnnotationsProto;
import com.google.api.HttpBody;
import com.google.api.HttpBodyProto;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.TimestampProto;
import com.google.rpc.ErrorInfo;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.TranscodingConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.transcode.Library;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls of gRPC in HTTP and JSON, with a server of grpc-java behind. */
@Timeout(60)
class TranscodingTest {
    private final CountDownLatch more = new CountDownLatch(1);
    private ProxyFixture proxy;
    private Server server;
    private FileDescriptor file;

    @BeforeEach
    void start() throws Exception {
        file = FileDescriptor.buildFrom(
                FileDescriptorSet.parseFrom(Library.descriptors()).getFile(0), new FileDescriptor[] {
                    AnnotationsProto.getDescriptor(), TimestampProto.getDescriptor(), HttpBodyProto.getDescriptor()
                });
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(ServerServiceDefinition.builder("library.v1.Library")
                        .addMethod(method("Get", "Ask"), ServerCalls.asyncUnaryCall(this::get))
                        .addMethod(method("Title", "Ask"), ServerCalls.asyncUnaryCall(this::get))
                        .addMethod(method("Create", "Put"), ServerCalls.asyncUnaryCall(this::create))
                        .addMethod(
                                method("Watch", "Ask").toBuilder()
                                        .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
                                        .build(),
                                ServerCalls.asyncServerStreamingCall(this::watch))
                        .addMethod(
                                method("Import", "Put", MethodDescriptor.MethodType.CLIENT_STREAMING),
                                ServerCalls.asyncClientStreamingCall(this::add))
                        .addMethod(
                                method("Trade", "Put", MethodDescriptor.MethodType.BIDI_STREAMING),
                                ServerCalls.asyncBidiStreamingCall(this::trade))
                        .addMethod(method("SetCover", "Cover"), ServerCalls.asyncUnaryCall(this::setCover))
                        .addMethod(
                                method("Scan", "Cover", MethodDescriptor.MethodType.CLIENT_STREAMING),
                                ServerCalls.asyncClientStreamingCall(this::add))
                        .addMethod(
                                method("GetCover", "Ask", "Cover", MethodDescriptor.MethodType.UNARY),
                                ServerCalls.asyncUnaryCall(this::getCover))
                        .addMethod(
                                MethodDescriptor.<DynamicMessage, HttpBody>newBuilder(
                                                marshaller("Ask"), ProtoUtils.marshaller(HttpBody.getDefaultInstance()))
                                        .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
                                        .setFullMethodName("library.v1.Library/Read")
                                        .build(),
                                ServerCalls.asyncServerStreamingCall(this::read))
                        .build())
                .build()
                .start();
        proxy = new ProxyFixture();
        serve(List.of(), rule("", MatchConfig.PathMatch.Type.PREFIX, "/"));
    }

    private static RuleConfig rule(String name, MatchConfig.PathMatch.Type type, String path) {
        return new RuleConfig(
                name,
                List.of(new MatchConfig(new MatchConfig.PathMatch(type, path), "", List.of(), List.of())),
                List.of(),
                List.of(new BackendConfig("up", 1, List.of())),
                0,
                0,
                null,
                null,
                new GrpcConfig("default/books"));
    }

    private void serve(List<ContentConfig> contents, RuleConfig... rules) {
        serve(server.getPort(), contents, rules);
    }

    private void serve(int port, List<ContentConfig> contents, RuleConfig... rules) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rules));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "http",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route));
        TranscodingConfig transcoding = new TranscodingConfig(
                "default/books",
                Base64.getEncoder().encodeToString(Library.descriptors()),
                List.of(),
                false,
                false,
                false,
                2000);
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(
                                List.of(listener),
                                List.of(new UpstreamConfig(
                                        "up",
                                        UpstreamConfig.Protocol.H2C,
                                        List.of(new UpstreamConfig.Endpoint("127.0.0.1", port)))))
                        .transcodings(List.of(transcoding))
                        .contents(contents)
                        .build()))
                .isEmpty();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private MethodDescriptor<DynamicMessage, DynamicMessage> method(String name, String input) {
        return method(name, input, MethodDescriptor.MethodType.UNARY);
    }

    private MethodDescriptor<DynamicMessage, DynamicMessage> method(
            String name, String input, MethodDescriptor.MethodType type) {
        return method(name, input, "Book", type);
    }

    private MethodDescriptor<DynamicMessage, DynamicMessage> method(
            String name, String input, String output, MethodDescriptor.MethodType type) {
        return MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder(marshaller(input), marshaller(output))
                .setType(type)
                .setFullMethodName("library.v1.Library/" + name)
                .build();
    }

    private MethodDescriptor.Marshaller<DynamicMessage> marshaller(String type) {
        return ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(file.findMessageTypeByName(type)));
    }

    /** What a client streamed, in words. */
    private StreamObserver<DynamicMessage> add(StreamObserver<DynamicMessage> out) {
        StringBuilder all = new StringBuilder();
        return new Received(out) {
            @Override
            public void onNext(DynamicMessage each) {
                all.append(each.toString().replaceAll("\\s+", " ")).append("; ");
            }

            @Override
            public void onCompleted() {
                out.onNext(book("all", all.toString()));
                out.onCompleted();
            }
        };
    }

    /** Each is answered at once. */
    private StreamObserver<DynamicMessage> trade(StreamObserver<DynamicMessage> out) {
        return new Received(out) {
            @Override
            public void onNext(DynamicMessage each) {
                out.onNext(book("for", String.valueOf(field((DynamicMessage) field(each, "book"), "title"))));
            }

            @Override
            public void onCompleted() {
                out.onCompleted();
            }
        };
    }

    private abstract static class Received implements StreamObserver<DynamicMessage> {
        private final StreamObserver<DynamicMessage> out;

        Received(StreamObserver<DynamicMessage> out) {
            this.out = out;
        }

        @Override
        public void onError(Throwable problem) {
            out.onError(problem);
        }
    }

    private void setCover(DynamicMessage cover, StreamObserver<DynamicMessage> out) {
        DynamicMessage body = (DynamicMessage) field(cover, "body");
        out.onNext(book(
                String.valueOf(field(cover, "name")),
                field(body, "content_type") + " of " + ((ByteString) field(body, "data")).size()));
        out.onCompleted();
    }

    private void getCover(DynamicMessage ask, StreamObserver<DynamicMessage> out) {
        String name = String.valueOf(field(ask, "name"));
        Descriptor type = file.findMessageTypeByName("Cover");
        HttpBody body = HttpBody.newBuilder()
                .setContentType(name.equals("odd") ? "a\r\nb: c" : "image/png")
                .setData(ByteString.copyFromUtf8("bytes of " + name))
                .build();
        out.onNext(DynamicMessage.newBuilder(type)
                .setField(type.findFieldByName("body"), body)
                .build());
        out.onCompleted();
    }

    private void read(DynamicMessage ask, StreamObserver<HttpBody> out) {
        HttpBody.Builder part = HttpBody.newBuilder().setContentType("text/plain");
        out.onNext(part.setData(ByteString.copyFromUtf8("one ")).build());
        Thread.ofVirtual().start(() -> {
            try {
                more.await();
                out.onNext(part.setContentType("")
                        .setData(ByteString.copyFromUtf8("two"))
                        .build());
                if (String.valueOf(field(ask, "name")).equals("broken")) {
                    out.onError(Status.ABORTED.asException());
                } else {
                    out.onCompleted();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private DynamicMessage book(String name, String title) {
        Descriptor type = file.findMessageTypeByName("Book");
        return DynamicMessage.newBuilder(type)
                .setField(type.findFieldByName("name"), name)
                .setField(type.findFieldByName("title"), title)
                .build();
    }

    private static Object field(DynamicMessage message, String name) {
        return message.getField(message.getDescriptorForType().findFieldByName(name));
    }

    private void get(DynamicMessage ask, StreamObserver<DynamicMessage> out) {
        String name = String.valueOf(field(ask, "name"));
        switch (name) {
            case "gone" ->
                out.onError(Status.NOT_FOUND
                        .withDescription("no \u00bbbook\u00ab, 100%")
                        .asException());
            case "detailed" -> {
                Metadata trailers = new Metadata();
                trailers.put(
                        Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER),
                        com.google.rpc.Status.newBuilder()
                                .setCode(9)
                                .setMessage("lent")
                                .addDetails(Any.pack(
                                        ErrorInfo.newBuilder().setReason("LENT").build()))
                                .build()
                                .toByteArray());
                out.onError(Status.FAILED_PRECONDITION.asException(trailers));
            }
            case "huge" -> {
                out.onNext(book(name, "x".repeat(3000)));
                out.onCompleted();
            }
            default -> {
                out.onNext(book(name, "a title"));
                out.onCompleted();
            }
        }
    }

    private void create(DynamicMessage put, StreamObserver<DynamicMessage> out) {
        DynamicMessage book = (DynamicMessage) field(put, "book");
        out.onNext(book(field(put, "parent") + "/" + field(put, "id"), String.valueOf(field(book, "title"))));
        out.onCompleted();
    }

    private void watch(DynamicMessage ask, StreamObserver<DynamicMessage> out) {
        switch (String.valueOf(field(ask, "name"))) {
            case "shelves/empty" -> out.onCompleted();
            case "shelves/closed" -> out.onError(Status.PERMISSION_DENIED.asException());
            default -> {
                out.onNext(book("1", "one"));
                Thread.ofVirtual().start(() -> {
                    try {
                        more.await();
                        out.onNext(book("2", "two"));
                        if (String.valueOf(field(ask, "name")).endsWith("broken")) {
                            out.onError(Status.ABORTED.withDescription("enough").asException());
                        } else {
                            out.onCompleted();
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
        }
    }

    private Http2Peer.Answer get(String path, String... headers) throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            return peer.get(path, headers);
        }
    }

    @Test
    void aMethodIsCalledByItsPath() throws Exception {
        String answer = proxy.get("/v1/shelves/1/books/2?pageCount=3");
        assertThat(answer)
                .startsWith("HTTP/1.1 200")
                .contains("content-type: application/json\r\n")
                .contains("{\"name\":\"shelves/1/books/2\",\"title\":\"a title\"}")
                .doesNotContain("grpc-");
        assertThat(get("/v1/title/x").body()).isEqualTo("\"a title\"");
    }

    @Test
    void aBodyOfJsonIsSentAsAMessage() throws Exception {
        String body = "{\"title\": \"T\"}";
        assertThat(proxy.exchange("POST /v1/shelves/1/books?id=7 HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
                        + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body))
                .startsWith("HTTP/1.1 200")
                .contains("{\"name\":\"shelves/1/7\",\"title\":\"T\"}");
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Answer cut = peer.open()
                    .send(Http2Peer.head("POST", "/v1/shelves/1/books?id=8"), false)
                    .send("{\"tit", false)
                    .send("le\": \"T\"}", true)
                    .answer();
            assertThat(cut.body()).isEqualTo("{\"name\":\"shelves/1/8\",\"title\":\"T\"}");
        }
    }

    @Test
    void aStatusIsOneOfHttp() throws Exception {
        Http2Peer.Answer gone = get("/v1/book/gone");
        assertThat(gone.status()).isEqualTo(404);
        assertThat(gone.body()).isEqualTo("{\"code\":5,\"message\":\"no \u00c2\u00bbbook\u00c2\u00ab, 100%\"}");
        Http2Peer.Answer detailed = get("/v1/book/detailed");
        assertThat(detailed.status()).isEqualTo(400);
        assertThat(detailed.body()).contains("\"code\":9").contains("\"reason\":\"LENT\"");
        Http2Peer.Answer unimplemented = get("/v1/shelves/closed/books:watch");
        assertThat(unimplemented.status()).isEqualTo(403);
        assertThat(unimplemented.body()).isEqualTo("{\"code\":7}");
    }

    @Test
    void whatDoesNotFitIsAnsweredHere() throws Exception {
        Http2Peer.Answer unknown = get("/v1/book/x?nosuch=1");
        assertThat(unknown.status()).isEqualTo(400);
        assertThat(unknown.body())
                .isEqualTo("{\"code\":3,\"message\":\"\\\"nosuch\\\": library.v1.Ask has no field nosuch\"}");
        assertThat(get("/v1/nosuch").status()).isEqualTo(404);
        String body = "{\"title\": }\u00e9";
        assertThat(proxy.exchange(
                        "POST /v1/shelves/1/books HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: "
                                + body.length() + "\r\n\r\n" + body))
                .startsWith("HTTP/1.1 400")
                .contains("\"code\":3");
        String large = "{\"title\": \"" + "x".repeat(3000) + "\"}";
        assertThat(proxy.exchange(
                        "POST /v1/shelves/1/books HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: "
                                + large.length() + "\r\n\r\n" + large))
                .startsWith("HTTP/1.1 400")
                .contains("more than 2000 bytes");
        Http2Peer.Answer huge = get("/v1/book/huge");
        assertThat(huge.status()).isEqualTo(500);
        assertThat(huge.body()).contains("\"code\":13").contains("there may be 2000");
    }

    @Test
    void whatTheRuleOfTheMethodAsksForCounts() throws Exception {
        ContentConfig shortOnes =
                new ContentConfig(List.of(new TrafficTarget("HTTPRoute", "default/route", "create")), null, 20);
        serve(
                List.of(shortOnes),
                rule("any", MatchConfig.PathMatch.Type.PREFIX, "/"),
                rule("create", MatchConfig.PathMatch.Type.EXACT, "/library.v1.Library/Create"));
        String head = "POST /v1/shelves/1/books HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n";
        String body = "{\"title\": \"T\"}";
        assertThat(proxy.exchange(head + "Content-Length: " + body.length() + "\r\n\r\n" + body))
                .startsWith("HTTP/1.1 200");
        String large = "{\"title\": \"a long title\"}";
        assertThat(proxy.exchange(head + "Content-Length: " + large.length() + "\r\n\r\n" + large))
                .startsWith("HTTP/1.1 413");
        // Nobody knows how long this will be.
        assertThat(proxy.exchange(head + "Transfer-Encoding: chunked\r\n\r\na\r\n" + large.substring(0, 10)
                        + "\r\nf\r\n" + large.substring(10) + "\r\n0\r\n\r\n"))
                .startsWith("HTTP/1.1 413");
        assertThat(get("/v1/book/x?tags=" + "x".repeat(50)).status()).isEqualTo(200);
    }

    @Test
    void aMethodForWhichTheRouteHasNoRuleIsNotThere() throws Exception {
        serve(
                List.of(),
                rule("json", MatchConfig.PathMatch.Type.PREFIX, "/v1"),
                rule("get", MatchConfig.PathMatch.Type.EXACT, "/library.v1.Library/Get"));
        assertThat(get("/v1/book/x").status()).isEqualTo(200);
        Http2Peer.Answer title = get("/v1/title/x");
        assertThat(title.status()).isEqualTo(404);
        assertThat(title.body()).contains("no rule of this route is for the method /library.v1.Library/Title");
    }

    @Test
    void itsAnswerIsCompressed() throws Exception {
        serve(
                List.of(new ContentConfig(
                        List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                        new ContentConfig.Compression(
                                List.of(ContentConfig.Encoding.GZIP), List.of("application/json"), 0),
                        ContentConfig.UNBOUNDED)),
                rule("", MatchConfig.PathMatch.Type.PREFIX, "/"));
        Http2Peer.Answer answer = get("/v1/book/x", "accept-encoding", "gzip");
        assertThat(answer.head().get("content-encoding")).hasToString("gzip");
        try (var unpacked = new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(
                answer.body().getBytes(java.nio.charset.StandardCharsets.ISO_8859_1)))) {
            assertThat(unpacked.readAllBytes()).asString().isEqualTo("{\"name\":\"x\",\"title\":\"a title\"}");
        }
        assertThat(get("/v1/book/x").body()).contains("a title");
    }

    /** It may have been done: only its answer is lost. */
    @Test
    void aCallWhoseAnswerHasBegunIsNotRepeated() throws Exception {
        try (Http2Backend backend = new Http2Backend(100, false, "/library.v1.Library/Get")) {
            RuleConfig rule = rule("", MatchConfig.PathMatch.Type.PREFIX, "/");
            serve(
                    backend.port(),
                    List.of(),
                    rule.with(
                            List.of(), new RetryConfig(List.of(), 2, 0, List.of(14)), new GrpcConfig("default/books")));
            Http2Peer.Answer answer = get("/v1/book/x");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(backend.seen).hasSize(1);
        }
    }

    @Test
    void anEndpointThatIsAwayIsAStatus() throws Exception {
        server.shutdownNow();
        boolean _ = server.awaitTermination(10, java.util.concurrent.TimeUnit.SECONDS);
        Http2Peer.Answer answer = get("/v1/book/x");
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.body()).startsWith("{\"code\":14,");
    }

    @Test
    void aStreamIsAnArrayOfWhichEachElementComesAtOnce() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Stream stream = peer.open().send(Http2Peer.head("GET", "/v1/shelves/1/books:watch"), true);
            assertThat(((io.netty.handler.codec.http2.Http2HeadersFrame) stream.next())
                            .headers()
                            .get("content-type"))
                    .hasToString("application/json");
            var first = (io.netty.handler.codec.http2.Http2DataFrame) stream.next();
            assertThat(first.content().toString(java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo("[{\"name\":\"1\",\"title\":\"one\"}");
            first.release();
            more.countDown();
            assertThat(stream.answerAfterHead().body()).isEqualTo(",{\"name\":\"2\",\"title\":\"two\"}]");
        }
        assertThat(get("/v1/shelves/empty/books:watch").body()).isEqualTo("[]");
    }

    @Test
    void orOfLinesAndEndsWithWhatWentWrong() throws Exception {
        more.countDown();
        Http2Peer.Answer answer = get("/v1/shelves/broken/books:watch", "accept", "application/x-ndjson");
        assertThat(answer.head().get("content-type")).hasToString("application/x-ndjson");
        assertThat(answer.body())
                .isEqualTo("{\"name\":\"1\",\"title\":\"one\"}\n{\"name\":\"2\",\"title\":\"two\"}\n"
                        + "{\"error\":{\"code\":10,\"message\":\"enough\"}}\n");
        assertThat(get("/v1/shelves/broken/books:watch").body())
                .endsWith(",{\"error\":{\"code\":10,\"message\":\"enough\"}}]");
    }

    private String post(String path, String type, String body) throws Exception {
        return proxy.exchange("POST " + path + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Type: "
                + type + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    }

    @Test
    void clientsStreamArraysOrLines() throws Exception {
        String expected = "{\"name\":\"all\",\"title\":\"parent: \\\"shelves/1\\\" id: \\\"a\\\" ; id: \\\"b\\\" ; \"}";
        String path = "/v1/shelves/1/books:import";
        assertThat(post(path, "application/json", "[{\"id\": \"a\"},\n{\"id\": \"b\"}]"))
                .startsWith("HTTP/1.1 200")
                .contains(expected);
        assertThat(post(path, "application/x-ndjson", "{\"id\": \"a\"}\n{\"id\": \"b\"}\n"))
                .contains("content-type: application/json\r\n")
                .contains(expected);
        assertThat(post(path, "application/json", "[]")).contains("{\"name\":\"all\"}");
        assertThat(post(path, "application/json", "[{\"id\": \"a\"}, {\"id\": 1, \"book\": {\"pageCount\": \"x\"}}]"))
                .startsWith("HTTP/1.1 400")
                .contains("\"code\":3")
                .contains("message 2 of the body does not fit library.v1.Put: book.pageCount: Not an int32 value");
        assertThat(post(path, "application/json", "[{\"id\": \"a\"}, "))
                .startsWith("HTTP/1.1 400")
                .contains("ends before its array does");
        assertThat(post(path, "application/json", "[{}, {\"id\": \"" + "x".repeat(3000) + "\"}]"))
                .startsWith("HTTP/1.1 400")
                .contains("message 2 has more than 2000 bytes");
        // The bound is one of each message, not of all.
        String many = "[" + "{\"id\": \"abcdefghij\"},".repeat(500) + "{}]";
        assertThat(post(path, "application/json", many)).contains("there may be 2000");
    }

    @Test
    void bothSidesStreamAtATime() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Stream stream = peer.open()
                    .send(Http2Peer.head("POST", "/v1/books:trade", "content-type", "application/x-ndjson"), false)
                    .send("{\"title\": \"a\"}\n{\"tit", false);
            assertThat(((io.netty.handler.codec.http2.Http2HeadersFrame) stream.next())
                            .headers()
                            .get("content-type"))
                    .hasToString("application/x-ndjson");
            var first = (io.netty.handler.codec.http2.Http2DataFrame) stream.next();
            assertThat(first.content().toString(java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo("{\"name\":\"for\",\"title\":\"a\"}\n");
            first.release();
            stream.send("le\": \"b\"}", true);
            assertThat(stream.answerAfterHead().body()).isEqualTo("{\"name\":\"for\",\"title\":\"b\"}\n");
        }
        assertThat(post("/v1/books:trade", "application/json", "[{\"title\": \"a\"}, {\"title\": \"b\"}]"))
                .contains("{\"name\":\"for\",\"title\":\"a\"}")
                .contains(",{\"name\":\"for\",\"title\":\"b\"}");
        assertThat(post("/v1/books:trade", "application/json", "[]")).contains("[]");
    }

    @Test
    void bodiesGoThroughAsTheyAre() throws Exception {
        String body = "\u0001\u0002[\"no JSON";
        assertThat(proxy.exchange("PUT /v1/covers/a HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
                        + "Content-Type: image/png\r\nContent-Length: " + body.length() + "\r\n\r\n" + body))
                .contains("{\"name\":\"a\",\"title\":\"image/png of " + body.length() + "\"}");
        assertThat(proxy.exchange("PUT /v1/covers/a HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
                        + "Content-Length: 2001\r\n\r\n" + "x".repeat(2001)))
                .startsWith("HTTP/1.1 400")
                .contains("more than 2000 bytes");
        Http2Peer.Answer cover = get("/v1/covers/b");
        assertThat(cover.head().get("content-type")).hasToString("image/png");
        assertThat(cover.body()).isEqualTo("bytes of b");
        Http2Peer.Answer odd = get("/v1/covers/odd");
        assertThat(odd.status()).isEqualTo(500);
        assertThat(odd.body()).contains("a content_type that no header can have");
        String scanned = post("/v1/scans/s", "image/tiff", "x".repeat(1500));
        assertThat(scanned)
                .contains("name: \\\"s\\\" body { content_type: \\\"image/tiff\\\" data: \\\"" + "x".repeat(1000)
                        + "\\\" } ; body { data: ");
        more.countDown();
        Http2Peer.Answer text = get("/v1/texts/a");
        assertThat(text.head().get("content-type")).hasToString("text/plain");
        assertThat(text.body()).isEqualTo("one two");
    }

    @Test
    void aStreamOfBytesThatFailsBreaksOff() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Stream stream = peer.open().send(Http2Peer.head("GET", "/v1/texts/broken"), true);
            assertThat(stream.next()).isInstanceOf(io.netty.handler.codec.http2.Http2HeadersFrame.class);
            var first = (io.netty.handler.codec.http2.Http2DataFrame) stream.next();
            assertThat(first.content().toString(java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo("one ");
            first.release();
            more.countDown();
            Object next = stream.next();
            while (next instanceof io.netty.handler.codec.http2.Http2DataFrame data) {
                assertThat(data.isEndStream()).isFalse();
                data.release();
                next = stream.next();
            }
            assertThat(next).isInstanceOf(io.netty.handler.codec.http2.Http2ResetFrame.class);
        }
    }

    @Test
    void callsOfGrpcPassAsTheyAre() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Answer answer = peer.open()
                    .send(
                            Http2Peer.head(
                                    "POST",
                                    "/library.v1.Library/Get",
                                    "content-type",
                                    "application/grpc",
                                    "te",
                                    "trailers"),
                            false)
                    .send("\0\0\0\0\3\n\1x", true)
                    .answer();
            assertThat(answer.trailers()).isNotNull();
            assertThat(answer.trailers().get("grpc-status")).hasToString("0");
            assertThat(ByteString.copyFrom(answer.body().getBytes(java.nio.charset.StandardCharsets.ISO_8859_1))
                            .toStringUtf8())
                    .contains("a title");
        }
    }
}
