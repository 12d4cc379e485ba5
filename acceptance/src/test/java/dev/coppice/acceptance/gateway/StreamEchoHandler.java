package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.string.StringDecoder;
import io.netty.handler.codec.string.StringEncoder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;

/** Greets a connection, and answers lines as the conformance suite's TCP echo server does: TEST, IS_TLS and PING. */
final class StreamEchoHandler extends SimpleChannelInboundHandler<String> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LINE_LIMIT = 1024;

    private final EchoPod pod;

    private StreamEchoHandler(EchoPod pod) {
        this.pod = pod;
    }

    static void addTo(ChannelPipeline pipeline, EchoPod pod) {
        pipeline.addLast(
                new LineBasedFrameDecoder(LINE_LIMIT),
                new StringDecoder(),
                new StringEncoder(),
                new StreamEchoHandler(pod));
    }

    private static boolean tls(ChannelHandlerContext context) {
        return context.pipeline().get(SslHandler.class) != null;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (!tls(context)) {
            context.writeAndFlush(EchoPod.WELCOME + "\n");
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
            context.writeAndFlush(EchoPod.WELCOME + "\n");
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, String line) throws JsonProcessingException {
        String answer = switch (line) {
            case "TEST" -> {
                ObjectNode told = JSON.createObjectNode();
                pod.describe(told);
                yield JSON.writeValueAsString(told.put("isTLS", tls(context)));
            }
            case "IS_TLS" -> Boolean.toString(tls(context));
            case "PING" -> "PONG";
            default -> "";
        };
        if (!answer.isEmpty()) {
            context.writeAndFlush(answer + "\n");
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
