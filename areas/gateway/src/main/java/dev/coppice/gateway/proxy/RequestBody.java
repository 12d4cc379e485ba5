package dev.coppice.gateway.proxy;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request: what waits for a connection, and what is kept in order to send it once more. Used on one event loop
 * only.
 */
final class RequestBody {
    private static final int MOST_WAITING = 64 << 10;

    private final int maxReplayBytes;
    private boolean bodiless;
    private boolean made;
    private final Deque<HttpContent> waiting = new ArrayDeque<>(0);
    private List<HttpContent> kept = List.of();
    private boolean complete;
    private boolean lost;
    private long bytes;
    private int waitingBytes;
    private int keptBytes;
    /** Somebody waits for so many bytes. */
    private int wanted;

    private @Nullable Runnable whenThere;

    RequestBody(int maxReplayBytes, boolean bodiless) {
        this.maxReplayBytes = maxReplayBytes;
        this.bodiless = bodiless;
        this.complete = bodiless;
    }

    boolean bodiless() {
        return bodiless;
    }

    /** What the endpoint gets where the client sends nothing. */
    void make(LastHttpContent whole) {
        bodiless = false;
        made = true;
        boolean _ = take(whole, null, false);
    }

    /** Whether what a client's connection tells says only that there is nothing. */
    boolean ignores(HttpContent part) {
        return part == LastHttpContent.EMPTY_LAST_CONTENT && (bodiless || made);
    }

    /** Whether the client has sent all of it. */
    boolean complete() {
        return complete;
    }

    /** Whether nothing is lost yet of what another try would need. */
    boolean replayable() {
        return !lost;
    }

    long bytes() {
        return bytes;
    }

    /**
     * Takes a part over, and sends it if there is a connection.
     *
     * @return false: no more for now
     */
    boolean take(HttpContent part, @Nullable TargetStream to, boolean keep) {
        int size = part.content().readableBytes();
        bytes += size;
        complete = part instanceof LastHttpContent;
        if (to == null) {
            waiting.add(part);
            waitingBytes += size;
            if (whenThere != null) {
                tell();
            }
            return waitingBytes < Math.max(MOST_WAITING, wanted);
        }
        keep(part, keep);
        to.write(part);
        return to.writable();
    }

    private void keep(HttpContent part, boolean wanted) {
        int size = part.content().readableBytes();
        if (!wanted || lost || keptBytes + size > maxReplayBytes) {
            lost = true;
            kept.forEach(HttpContent::release);
            kept = List.of();
            return;
        }
        if (kept.isEmpty()) {
            kept = new ArrayList<>(2);
        }
        keptBytes += size;
        kept.add(part.retainedDuplicate());
    }

    /** Sends the head and what there is of the body. */
    void sendTo(TargetStream to, HttpRequest head, boolean keep) {
        if (bodiless) {
            to.write(whole(head));
            return;
        }
        to.write(head);
        for (HttpContent each : kept) {
            to.write(each.retainedDuplicate());
        }
        for (HttpContent each = waiting.poll(); each != null; each = waiting.poll()) {
            keep(each, keep);
            to.write(each);
        }
        waitingBytes = 0;
    }

    /** A request without a body in one piece, which costs one buffer and not two. */
    static FullHttpRequest whole(HttpRequest head) {
        return new DefaultFullHttpRequest(
                head.protocolVersion(),
                head.method(),
                head.uri(),
                Unpooled.EMPTY_BUFFER,
                head.headers(),
                EmptyHttpHeaders.INSTANCE);
    }

    /** Has the client send its body, and tells, now or later, once there are so many bytes or all of it. */
    void await(HttpRequest request, ClientStream client, int bytes, Runnable then) {
        HttpHeaders headers = request.headers();
        if (!bodiless && HttpUtil.is100ContinueExpected(request)) {
            // The client waits to be told; the backend need not tell it again.
            headers.remove(HttpHeaderNames.EXPECT);
            client.interim(new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        }
        client.reading(true);
        whenThere(bytes, then);
    }

    /** Nobody waits for it any more. */
    void awaitNothing() {
        whenThere = null;
        wanted = 0;
    }

    private void whenThere(int bytes, Runnable then) {
        wanted = bytes;
        whenThere = then;
        tell();
    }

    private void tell() {
        Runnable then = whenThere;
        if (then != null && (complete || waitingBytes >= wanted)) {
            whenThere = null;
            then.run();
        }
    }

    /** The beginning of what came, and was not sent yet. */
    byte[] beginning(int most) {
        byte[] bytes = new byte[Math.min(most, waitingBytes)];
        int at = 0;
        for (HttpContent each : waiting) {
            int size = Math.min(each.content().readableBytes(), bytes.length - at);
            each.content().getBytes(each.content().readerIndex(), bytes, at, size);
            at += size;
        }
        return bytes;
    }

    /** Whether more came than that, or is still to come. */
    boolean longerThan(int bytes) {
        return !complete || waitingBytes > bytes;
    }

    /** Puts something in place of what came, which is all of it and was not sent yet. */
    void replace(byte[] bytes) {
        DefaultLastHttpContent whole = new DefaultLastHttpContent(Unpooled.wrappedBuffer(bytes));
        if (bodiless) {
            make(whole);
            return;
        }
        waiting.forEach(HttpContent::release);
        waiting.clear();
        waiting.add(whole);
        waitingBytes = bytes.length;
    }

    /** What came, and was not sent yet. */
    void forEachWaiting(Consumer<HttpContent> each) {
        waiting.forEach(each);
    }

    void release() {
        whenThere = null;
        waiting.forEach(HttpContent::release);
        waiting.clear();
        waitingBytes = 0;
        kept.forEach(HttpContent::release);
        kept = List.of();
        lost = true;
    }
}
