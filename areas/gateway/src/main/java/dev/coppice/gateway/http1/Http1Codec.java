package dev.coppice.gateway.http1;

import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMethod;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Puts HTTP/1.1 into pipelines, and takes it out again. In and out go Netty's messages: heads as {@link io.netty.handler.codec.http.HttpMessage}, whose headers may be
 * {@link ReceivedHeaders}, and bodies as {@link io.netty.handler.codec.http.HttpContent}. One for each event loop, to be used on it only.
 */
public final class Http1Codec {
    private final HttpDecoderConfig config;
    private final HeadReader reader = new HeadReader();
    private final HeadWriter writer = new HeadWriter();

    /**
     * Knows the bounds.
     *
     * @param maxLineBytes of a first line
     * @param maxHeaderBytes of all other lines of a head
     */
    public Http1Codec(int maxLineBytes, int maxHeaderBytes) {
        this.config = new HttpDecoderConfig()
                .setMaxInitialLineLength(maxLineBytes)
                .setMaxHeaderSize(maxHeaderBytes)
                .setStrictLineParsing(true)
                .setUseRfc9112TransferEncoding(true);
    }

    /** For a connection whose other end sends requests. */
    public void addServer(ChannelPipeline pipeline) {
        Queue<HttpMethod> asked = new ArrayDeque<>(2);
        pipeline.addLast(new RequestDecoder(config, reader, asked), new ResponseEncoder(writer, asked));
    }

    /** For a connection whose other end answers. */
    public void addClient(ChannelPipeline pipeline) {
        Queue<HttpMethod> asked = new ArrayDeque<>(2);
        pipeline.addLast(new ResponseDecoder(config, reader, asked), new RequestEncoder(writer, asked));
    }

    /** Takes either out; what was read and not understood yet goes on as it is. */
    public static void remove(ChannelPipeline pipeline) {
        if (pipeline.get(ResponseEncoder.class) != null) {
            var _ = pipeline.remove(ResponseEncoder.class);
            var _ = pipeline.remove(RequestDecoder.class);
        } else {
            var _ = pipeline.remove(RequestEncoder.class);
            var _ = pipeline.remove(ResponseDecoder.class);
        }
    }
}
