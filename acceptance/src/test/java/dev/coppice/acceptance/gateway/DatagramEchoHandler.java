package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import java.nio.charset.StandardCharsets;

/** Answers datagrams as the conformance suite's UDP echo server does. */
final class DatagramEchoHandler extends SimpleChannelInboundHandler<DatagramPacket> {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final EchoPod pod;

    DatagramEchoHandler(EchoPod pod) {
        this.pod = pod;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) throws JsonProcessingException {
        ObjectNode answer =
                JSON.createObjectNode().put("request", packet.content().toString(StandardCharsets.UTF_8));
        pod.describe(answer);
        context.writeAndFlush(
                new DatagramPacket(Unpooled.wrappedBuffer(JSON.writeValueAsBytes(answer)), packet.sender()));
    }
}
