package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.acceptance.gateway.Exchange.Expectation;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Sends what is not HTTP/1.1 to a Gateway, and compares what comes back. */
final class OtherCalls {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TIMEOUT_MILLIS = 5_000;
    private static final int DATAGRAM_LIMIT = 1 << 16;

    private OtherCalls() {}

    /**
     * What is not as expected with one call; null when all is.
     *
     * @param routeHost the server name where the data have none
     */
    static @Nullable String once(Target target, Exchange exchange, String routeHost) {
        Expectation expected = exchange.expectation();
        try {
            return switch (exchange.call()) {
                case Exchange.StreamEcho call ->
                    served(expected, stream(target, call.serverName().isEmpty() ? routeHost : call.serverName()));
                case Exchange.DatagramEcho _ -> served(expected, datagram(target));
                case Exchange.GrpcCall call -> grpc(target, call, expected);
                case Exchange.Request _ -> throw new IllegalArgumentException("an HTTP request");
                case null -> throw new IllegalArgumentException("not understood");
            };
        } catch (IOException e) {
            return "no answer: " + e;
        }
    }

    /** What the backend says of itself. */
    static JsonNode stream(Target target, String serverName) throws IOException {
        try (Socket socket = RawHttp.connect(target.address(), target.port(), target.tls(), serverName)) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String welcome = in.readLine();
            if (!EchoPod.WELCOME.equals(welcome)) {
                throw new IOException("expected the line " + EchoPod.WELCOME + ", got " + welcome);
            }
            socket.getOutputStream().write("TEST\n".getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
            String line = in.readLine();
            if (line == null) {
                throw new IOException("the connection ended without an answer");
            }
            return JSON.readTree(line);
        }
    }

    static JsonNode datagram(Target target) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            byte[] question = "hello".getBytes(StandardCharsets.UTF_8);
            socket.send(new DatagramPacket(
                    question, question.length, InetAddress.getByName(target.address()), target.port()));
            DatagramPacket answer = new DatagramPacket(new byte[DATAGRAM_LIMIT], DATAGRAM_LIMIT);
            socket.receive(answer);
            return JSON.readTree(answer.getData(), 0, answer.getLength());
        }
    }

    private static @Nullable String served(Expectation expected, JsonNode got) {
        boolean right = got.path("pod").asText().startsWith(expected.servedBy())
                && (expected.servedIn().isEmpty()
                        || got.path("namespace").asText().equals(expected.servedIn()))
                && (expected.service().isEmpty() || got.path("service").asText().equals(expected.service()))
                && (expected.backendTls() == null || got.path("isTLS").asBoolean() == expected.backendTls());
        return right ? null : "got " + got;
    }

    private static @Nullable String grpc(Target target, Exchange.GrpcCall call, Expectation expected)
            throws IOException {
        String status = "OK";
        GrpcEcho.Answer answer = new GrpcEcho.Answer("", "", "");
        try {
            answer = grpc(target, call);
        } catch (StatusRuntimeException e) {
            status = e.getStatus().getCode().name();
        }
        // Go writes the same names in camel case.
        String wanted = expected.grpcStatus().isEmpty() ? "OK" : expected.grpcStatus();
        if (!status.replace("_", "").equalsIgnoreCase(wanted)) {
            return "expected gRPC status " + wanted + ", got " + status;
        }
        if (!status.equals("OK")) {
            return null;
        }
        boolean right = answer.method().equals("/" + call.method())
                && answer.pod().startsWith(expected.servedBy())
                && (expected.servedIn().isEmpty() || answer.namespace().equals(expected.servedIn()));
        return right ? null : "got " + answer;
    }

    static GrpcEcho.Answer grpc(Target target, Exchange.GrpcCall call) throws IOException {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(target.address(), target.port());
        builder.usePlaintext();
        if (!call.authority().isEmpty()) {
            builder.overrideAuthority(call.authority());
        }
        Metadata metadata = new Metadata();
        for (Map.Entry<String, String> header : call.metadata()) {
            metadata.put(
                    Metadata.Key.of(header.getKey().toLowerCase(Locale.ROOT), Metadata.ASCII_STRING_MARSHALLER),
                    header.getValue());
        }
        ManagedChannel channel = builder.build();
        try {
            MethodDescriptor<byte[], byte[]> method = MethodDescriptor.newBuilder(Bytes.MARSHALLER, Bytes.MARSHALLER)
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName(call.method())
                    .build();
            byte[] answer = ClientCalls.blockingUnaryCall(
                    io.grpc.ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata)),
                    method,
                    CallOptions.DEFAULT.withDeadlineAfter(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS),
                    new byte[0]);
            return GrpcEcho.decode(answer);
        } finally {
            channel.shutdownNow();
        }
    }

    /** Messages as they are. */
    private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
        MARSHALLER;

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
