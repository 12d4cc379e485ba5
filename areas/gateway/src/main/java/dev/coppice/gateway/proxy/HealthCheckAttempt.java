package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import dev.coppice.gateway.config.HealthCheckConfig;
import dev.coppice.gateway.config.HealthCheckConfig.Codes;
import dev.coppice.gateway.config.HealthCheckConfig.Type;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One question to one endpoint whether it is well. Used on one event loop only.
 *
 * <p>gRPC Health Checking Protocol (grpc.health.v1): {@code Check} with the name of a service, answered by a status, of which 1 is SERVING.
 */
final class HealthCheckAttempt implements Attempt {
    /** How it went. */
    enum Outcome {
        WELL,
        UNWELL,
        /** It could not be asked, since requests have taken all connections: that says nothing of its health. */
        NOT_ASKED
    }

    private static final String AGENT = "coppice-gateway-health-check";
    /** Of a body; it is of no use, and a longer one is not waited for. */
    private static final int MOST_BODY = 64 << 10;

    private static final int FRAME_HEAD = 5;
    private static final int STATUS_FIELD = 0x08;
    private static final int SERVING = 1;

    private final EventLoopState state;
    private final Upstream.Target target;
    private final HealthCheckConfig config;
    private final Consumer<Outcome> ended;
    private @Nullable TargetPool pool;
    private @Nullable TargetStream connection;
    private boolean over;
    private boolean good;
    private boolean once;
    private int bytes;
    /** The first bytes of a gRPC answer: a frame's head, and a message of one field. */
    private final byte[] frame = new byte[FRAME_HEAD + 2];

    private HealthCheckAttempt(
            EventLoopState state, Upstream.Target target, HealthCheckConfig config, Consumer<Outcome> ended) {
        this.state = state;
        this.target = target;
        this.config = config;
        this.ended = ended;
    }

    /**
     * Asks.
     *
     * @param ended hears once how it went
     */
    static void begin(EventLoopState state, Upstream.Target target, HealthCheckConfig config, Consumer<Outcome> ended) {
        HealthCheckAttempt check = new HealthCheckAttempt(state, target, config, ended);
        var _ = state.loop.schedule(check::late, config.timeoutNanos(), TimeUnit.NANOSECONDS);
        if (config.type() == Type.TCP) {
            check.connect();
        } else {
            check.take();
        }
    }

    private void connect() {
        state.connector.connect(target, null, new TargetConnector.Caller() {
            @Override
            public void connected(Channel channel, String protocol) {
                var _ = channel.close();
                end(true);
            }

            @Override
            public void failed(Failure why) {
                end(false);
            }
        });
    }

    private void take() {
        TargetPool from = state.pool(target);
        pool = from;
        // Its connections are closed by the tick when they are not used any more.
        state.tick();
        from.take(this);
    }

    private void late() {
        if (over) {
            return;
        }
        TargetStream from = connection;
        TargetPool waitedFor = pool;
        end(false);
        if (from != null) {
            from.timedOut();
        } else if (waitedFor != null) {
            waitedFor.forget(this);
        }
    }

    private void end(boolean success) {
        end(success ? Outcome.WELL : Outcome.UNWELL);
    }

    private void end(Outcome outcome) {
        if (!over) {
            over = true;
            connection = null;
            pool = null;
            ended.accept(outcome);
        }
    }

    @Override
    public boolean over() {
        return over;
    }

    @Override
    public void connected(TargetStream to, boolean reused) {
        pool = null;
        connection = to;
        once = !reused;
        if (config.type() == Type.GRPC) {
            call(to);
        } else {
            DefaultFullHttpRequest request = new DefaultFullHttpRequest(
                    HttpVersion.HTTP_1_1, HttpMethod.valueOf(config.method()), config.path(), Unpooled.EMPTY_BUFFER);
            head(request.headers());
            to.write(request);
        }
        to.flush();
    }

    private void call(TargetStream to) {
        DefaultHttpRequest request =
                new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/grpc.health.v1.Health/Check");
        head(request.headers());
        request.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/grpc").set(HttpHeaderNames.TE, "trailers");
        byte[] service = config.service().getBytes(StandardCharsets.UTF_8);
        ByteBuf body = Unpooled.buffer();
        // The service is the message's field 1; its length is below 128, and an empty one is left out.
        int length = service.length == 0 ? 0 : service.length + 2;
        body.writeByte(0).writeInt(length);
        if (length > 0) {
            body.writeByte(0x0A).writeByte(service.length).writeBytes(service);
        }
        to.write(request);
        to.write(new DefaultLastHttpContent(body));
    }

    private void head(HttpHeaders headers) {
        headers.set(HttpHeaderNames.HOST, config.host().isEmpty() ? host() : config.host())
                .set(HttpHeaderNames.USER_AGENT, AGENT);
        BackendCredentials credentials = target.credentials();
        if (credentials != null) {
            Credentials.add(headers, credentials);
        }
    }

    private String host() {
        String text = target.toString();
        // An IPv6 address stands in brackets there (RFC 3986, 3.2.2).
        int colon = text.lastIndexOf(':');
        return text.indexOf(':') == colon ? text : "[" + text.substring(0, colon) + "]" + text.substring(colon);
    }

    @Override
    public void response(HttpResponse head) {
        int code = head.status().code();
        if (code < 200) {
            return;
        }
        good = config.type() == Type.GRPC ? code == HttpResponseStatus.OK.code() : expects(code);
    }

    private boolean expects(int code) {
        for (Codes each : config.codes()) {
            if (code >= each.from() && code <= each.to()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void content(HttpContent part) {
        try {
            if (over) {
                return;
            }
            ByteBuf content = part.content();
            for (int i = 0; i < content.readableBytes() && bytes + i < frame.length; i++) {
                frame[bytes + i] = content.getByte(content.readerIndex() + i);
            }
            bytes += content.readableBytes();
            if (part instanceof LastHttpContent last) {
                end(good && (config.type() != Type.GRPC || serving(last.trailingHeaders())));
            } else if (bytes > MOST_BODY) {
                TargetStream from = connection;
                end(good && config.type() != Type.GRPC);
                if (from != null) {
                    from.close();
                }
            }
        } finally {
            part.release();
        }
    }

    /** A frame that is not compressed, whose message begins with the status; and the call went well. */
    private boolean serving(HttpHeaders trailers) {
        return GrpcStatus.http(trailers) == HttpResponseStatus.OK.code()
                && bytes >= frame.length
                && frame[0] == 0
                && frame[FRAME_HEAD] == STATUS_FIELD
                && frame[FRAME_HEAD + 1] == SERVING;
    }

    @Override
    public void readComplete() {}

    @Override
    public void writable(boolean writable) {}

    @Override
    public void failed(Failure failure) {
        if (over) {
            return;
        }
        connection = null;
        if (failure == Failure.RESET && !once) {
            // It ended while it was unused, and the question crossed that on the wire.
            once = true;
            bytes = 0;
            take();
        } else {
            end(failure == Failure.WAITING ? Outcome.NOT_ASKED : Outcome.UNWELL);
        }
    }
}
