package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.ssl.SslHandler;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * Answers as the conformance suite's echo image does: with what it saw of the request, as JSON. Asked by parameters of the query
 * it answers late ({@code delay=1s}), or lets the first attempts with a {@code uuid} fail ({@code succeedAfter=2}): with a
 * status ({@code responseCode=503}), late when there is a delay, or else by closing the connection.
 */
final class EchoHandler extends SimpleChannelInboundHandler<Object> {
    static final String SET_HEADER = "X-Echo-Set-Header";
    private static final String GRPC_OK = "0";
    private static final String GRPC_UNIMPLEMENTED = "12";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern DURATION = Pattern.compile("([0-9.]+)(ms|s|m)");
    private static final Pattern STATUS_PATH = Pattern.compile("/status/(\\d{3})");

    private final EchoPod pod;
    private final String protocol;

    EchoHandler(EchoPod pod, String protocol) {
        this.pod = pod;
        this.protocol = protocol;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Object message) throws JsonProcessingException {
        switch (message) {
            case WebSocketFrame frame -> context.writeAndFlush(frame.retain());
            case FullHttpRequest request when isWebSocket(request) -> upgrade(context, request);
            case FullHttpRequest request when isGrpc(request) -> context.writeAndFlush(grpc(request));
            case FullHttpRequest request -> answer(context, request);
            default -> {}
        }
    }

    private static boolean isWebSocket(FullHttpRequest request) {
        return request.headers().containsValue(HttpHeaderNames.UPGRADE, "websocket", true);
    }

    private static boolean isGrpc(FullHttpRequest request) {
        return request.headers().get(HttpHeaderNames.CONTENT_TYPE, "").startsWith("application/grpc");
    }

    private FullHttpResponse grpc(FullHttpRequest request) {
        pod.note(request.uri(), request.headers().get(ExchangeRunner.MARK, ""));
        boolean implemented = GrpcEcho.METHODS.stream()
                .anyMatch(method -> request.uri().equals("/" + GrpcEcho.SERVICE + "/" + method));
        byte[] message = GrpcEcho.encode(new GrpcEcho.Answer(request.uri(), pod.namespace(), pod.name()));
        // A message is preceded by a byte that says it is not compressed, and its length.
        ByteBuf body = implemented
                ? Unpooled.buffer().writeByte(0).writeInt(message.length).writeBytes(message)
                : Unpooled.EMPTY_BUFFER;
        DefaultFullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, body);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/grpc");
        response.trailingHeaders().set("grpc-status", implemented ? GRPC_OK : GRPC_UNIMPLEMENTED);
        return response;
    }

    private void upgrade(ChannelHandlerContext context, FullHttpRequest request) {
        pod.note(request.uri(), "");
        WebSocketServerHandshaker handshaker = new WebSocketServerHandshakerFactory(
                        "ws://" + request.headers().get(HttpHeaderNames.HOST) + request.uri(), null, false)
                .newHandshaker(request);
        if (handshaker == null) {
            WebSocketServerHandshakerFactory.sendUnsupportedVersionResponse(context.channel());
        } else {
            handshaker.handshake(context.channel(), request);
        }
    }

    private void answer(ChannelHandlerContext context, FullHttpRequest request) throws JsonProcessingException {
        pod.note(request.uri(), request.headers().get(ExchangeRunner.MARK, ""));
        QueryStringDecoder query = new QueryStringDecoder(request.uri());
        int status = HttpResponseStatus.OK.code();
        Matcher asked = STATUS_PATH.matcher(query.rawPath());
        if (asked.matches()) {
            status = Integer.parseInt(asked.group(1));
        }
        long delay = nanos(parameter(query, "delay"));
        String succeedAfter = parameter(query, "succeedAfter");
        if (!succeedAfter.isEmpty()) {
            boolean fails = pod.attempt(parameter(query, "uuid")) <= Long.parseLong(succeedAfter);
            String code = parameter(query, "responseCode");
            if (fails && !code.isEmpty()) {
                status = Integer.parseInt(code);
            } else if (fails && delay == 0) {
                context.close();
                return;
            } else if (!fails) {
                delay = 0;
            }
        }
        FullHttpResponse response = response(context, request, status);
        boolean keepAlive = HttpUtil.isKeepAlive(request);
        Runnable write = () -> {
            var written = context.writeAndFlush(response);
            if (!keepAlive) {
                written.addListener(ChannelFutureListener.CLOSE);
            }
        };
        if (delay == 0) {
            write.run();
        } else {
            context.executor().schedule(write, delay, TimeUnit.NANOSECONDS);
        }
    }

    private FullHttpResponse response(ChannelHandlerContext context, FullHttpRequest request, int status)
            throws JsonProcessingException {
        ObjectNode seen = JSON.createObjectNode()
                .put("path", request.uri())
                .put("host", request.headers().get(HttpHeaderNames.HOST, ""))
                .put("method", request.method().name())
                .put("proto", protocol);
        ObjectNode headers = seen.putObject("headers");
        Map<String, List<String>> byName = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        request.headers()
                .forEach(header -> byName.computeIfAbsent(header.getKey(), _ -> new java.util.ArrayList<>())
                        .add(header.getValue()));
        byName.forEach((name, values) -> {
            // The Host has a field of its own, and what starts with x-http2 was made by the codec here.
            if (!name.equalsIgnoreCase("host") && !name.startsWith("x-http2-")) {
                values.forEach(headers.withArray(name)::add);
            }
        });
        pod.describe(seen);
        SslHandler tls = context.pipeline().get(SslHandler.class);
        if (tls != null && tls.engine().getSession() instanceof ExtendedSSLSession session) {
            String serverName = session.getRequestedServerNames().stream()
                    .filter(SNIHostName.class::isInstance)
                    .map(asked -> ((SNIHostName) asked).getAsciiName())
                    .findFirst()
                    .orElse("");
            ObjectNode told =
                    seen.putObject("tls").put("version", session.getProtocol()).put("serverName", serverName);
            clientCertificates(session, told.putArray("peerCertificates"));
            seen.put("sni", serverName);
        }
        ByteBuf body = Unpooled.wrappedBuffer(JSON.writeValueAsBytes(seen));
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), body);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/json");
        for (String wanted : request.headers().getAll(SET_HEADER)) {
            for (String header : wanted.split(",")) {
                int colon = header.indexOf(':');
                if (colon > 0) {
                    response.headers()
                            .add(
                                    header.substring(0, colon).strip(),
                                    header.substring(colon + 1).strip());
                }
            }
        }
        HttpUtil.setContentLength(response, body.readableBytes());
        return response;
    }

    /** In PEM. */
    private static void clientCertificates(SSLSession session, ArrayNode to) {
        try {
            for (Certificate each : session.getPeerCertificates()) {
                to.add("-----BEGIN CERTIFICATE-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(each.getEncoded())
                        + "\n-----END CERTIFICATE-----\n");
            }
        } catch (SSLPeerUnverifiedException e) {
            // The client showed none.
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException("a certificate that was read cannot be written", e);
        }
    }

    private static String parameter(QueryStringDecoder query, String name) {
        return query.parameters().getOrDefault(name, List.of("")).getFirst();
    }

    /** A duration as Go writes it; 0 for none. */
    private static long nanos(String duration) {
        Matcher matcher = DURATION.matcher(duration);
        if (!matcher.matches()) {
            return 0;
        }
        double unit = switch (matcher.group(2)) {
            case "ms" -> 1e6;
            case "s" -> 1e9;
            default -> 60e9;
        };
        return (long) (Double.parseDouble(matcher.group(1)) * unit);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
