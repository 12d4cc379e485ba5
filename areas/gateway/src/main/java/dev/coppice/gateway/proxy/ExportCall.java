package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import dev.coppice.gateway.trace.SpanQueue;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.Future;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Spans that are sent to an endpoint of a collector, in one try with one deadline. Used on its event loop only. */
final class ExportCall implements Attempt {
    private static final int MOST_BODY = 64 << 10;
    static final long DEADLINE_SECONDS = 10;

    private final SpanExporter.Target target;
    private final HttpHeaders headers;
    private final byte[] sent;
    private final CompletableFuture<SpanQueue.Answer> answer;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream(0);

    private @Nullable TargetPool pool;
    private @Nullable TargetStream connection;
    private @Nullable HttpResponse head;
    private @Nullable Future<?> deadline;

    private ExportCall(
            SpanExporter.Target target, HttpHeaders headers, byte[] sent, CompletableFuture<SpanQueue.Answer> answer) {
        this.target = target;
        this.headers = headers;
        this.sent = sent;
        this.answer = answer;
    }

    /** Sends; {@code answer} is completed once. */
    static void begin(
            EventLoopState state,
            SpanExporter.Target target,
            HttpHeaders headers,
            byte[] body,
            CompletableFuture<SpanQueue.Answer> answer) {
        ExportCall call = new ExportCall(target, headers, body, answer);
        Upstream upstream = target.upstream();
        Upstream.Target endpoint = state.choose(upstream, upstream.state(), null, state.random.nextLong(), null);
        if (endpoint == null) {
            call.fail("the service has no endpoint that is ready");
            return;
        }
        if (Credentials.missing(upstream)) {
            call.fail(Credentials.MISSING);
            return;
        }
        call.deadline = state.loop.schedule(call::late, DEADLINE_SECONDS, TimeUnit.SECONDS);
        TargetPool from = state.pool(endpoint);
        call.pool = from;
        from.take(call);
        state.tick();
    }

    @Override
    public boolean over() {
        return answer.isDone();
    }

    @Override
    public void connected(TargetStream to, boolean reused) {
        pool = null;
        connection = to;
        BackendCredentials credentials = target.upstream().credentials();
        HttpRequest request = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, target.path(), headers);
        to.write(credentials == null ? request : Credentials.added(request, credentials));
        to.write(new DefaultLastHttpContent(Unpooled.wrappedBuffer(sent)));
        to.flush();
    }

    @Override
    public void response(HttpResponse given) {
        if (given.status().code() >= 200) {
            head = given;
        }
    }

    @Override
    public void content(HttpContent part) {
        try {
            HttpResponse given = head;
            if (over() || given == null) {
                return;
            }
            if (body.size() + part.content().readableBytes() > MOST_BODY) {
                fail("its answer is too large");
                return;
            }
            byte[] bytes = new byte[part.content().readableBytes()];
            part.content().readBytes(bytes);
            body.writeBytes(bytes);
            if (part instanceof LastHttpContent) {
                connection = null;
                end();
                boolean _ = answer.complete(
                        new SpanQueue.Answer(given.status().code(), body.toByteArray(), seconds(given.headers())));
            }
        } finally {
            part.release();
        }
    }

    private static long seconds(HttpHeaders headers) {
        String text = headers.get(HttpHeaderNames.RETRY_AFTER, "");
        return text.matches("\\d{1,6}") ? Long.parseLong(text) : 0;
    }

    @Override
    public void readComplete() {}

    @Override
    public void writable(boolean writable) {}

    @Override
    public void failed(Failure failure) {
        connection = null;
        pool = null;
        fail("no answer: " + failure.word);
    }

    private void late() {
        TargetStream slow = connection;
        connection = null;
        if (slow != null) {
            slow.timedOut();
        }
        fail("no answer within " + DEADLINE_SECONDS + " s");
    }

    private void fail(String why) {
        if (over()) {
            return;
        }
        TargetStream open = connection;
        connection = null;
        if (open != null) {
            open.close();
        }
        TargetPool waitedFor = pool;
        pool = null;
        end();
        boolean _ = answer.completeExceptionally(new IOException(why));
        if (waitedFor != null) {
            waitedFor.forget(this);
        }
    }

    private void end() {
        if (deadline != null) {
            boolean _ = deadline.cancel(false);
        }
    }
}
