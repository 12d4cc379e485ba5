package dev.coppice.serving;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/** An exchange over a Netty channel: an HTTP/1.1 connection, or an HTTP/2 stream. The handler's thread is {@link #run}. */
final class NettyExchange implements Exchange {
    private static final int AWAITED_BYTES = 65_536;

    /** Parts of less are put together first. */
    private static final int STREAMED_BYTES = 65_536;

    private final HttpEngine engine;
    private final RequestChannel requests;
    private final ChannelHandlerContext context;
    private final Channel channel;
    private final Channel connection;
    private final AnswerChannel answers;
    private final HttpRequest request;
    private final RequestTarget target;
    private final RequestBody body;
    private final boolean http1;
    private final long startNanos;
    private final Instant startedAt;

    private Identity identity = Identity.ANONYMOUS;
    private int status = 200;
    private final HttpHeaders answerHeaders = new DefaultHttpHeaders();
    private @Nullable Map<String, List<String>> queries;
    private @Nullable AnswerStream stream;
    /** Whether how long it takes is up to this server. */
    private boolean timed = true;

    private boolean committed;
    private boolean headWritten;
    private boolean keep;
    private long sentBytes;
    private String mount = "";
    private volatile @Nullable ChannelFuture lastWrite;
    private volatile boolean answered;

    private final ExchangeEnd end = new ExchangeEnd();
    private @Nullable Runnable bodyCompleteAction;
    private volatile @Nullable Thread handlerThread;

    NettyExchange(
            HttpEngine engine,
            RequestChannel requests,
            ChannelHandlerContext context,
            Channel connection,
            HttpRequest request,
            RequestTarget target) {
        this.engine = engine;
        this.requests = requests;
        this.context = context;
        this.channel = context.channel();
        this.connection = connection;
        this.answers = new AnswerChannel(
                channel,
                () -> engine.metrics
                        .slowClients
                        .labelValues(engine.options.name(), "answer")
                        .inc());
        this.request = request;
        this.target = target;
        this.http1 = channel == connection;
        this.keep = !http1 || HttpUtil.isKeepAlive(request);
        this.startNanos = engine.kernel.clock().nanoTime();
        this.startedAt = engine.kernel.clock().now();
        Runnable sendContinue = () -> {
            var _ = channel.writeAndFlush(
                    new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        };
        this.body = new RequestBody(
                engine.kernel.clock(),
                engine.options.maxBodyBytes(),
                HttpUtil.getContentLength(request, -1L),
                () -> context.executor().execute(requests::want),
                () -> engine.metrics
                        .slowClients
                        .labelValues(engine.options.name(), "body")
                        .inc(),
                HttpUtil.is100ContinueExpected(request) ? sendContinue : null);
    }

    // --- the request

    @Override
    public String method() {
        return request.method().name();
    }

    @Override
    public String path() {
        return target.path();
    }

    @Override
    public String rawPath() {
        return target.rawPath();
    }

    @Override
    public Optional<String> query(String name) {
        List<String> values = queries().get(name);
        return values == null ? Optional.empty() : Optional.of(values.getFirst());
    }

    @Override
    public Map<String, List<String>> queries() {
        Map<String, List<String>> result = queries;
        if (result == null) {
            result = target.queries();
            queries = result;
        }
        return result;
    }

    @Override
    public String rawQuery() {
        return target.rawQuery();
    }

    @Override
    public Optional<String> header(String name) {
        return Optional.ofNullable(request.headers().get(name));
    }

    @Override
    public List<String> headers(String name) {
        return request.headers().getAll(name);
    }

    @Override
    public InputStream body() {
        return body;
    }

    @Override
    public List<X509Certificate> clientCertificates() {
        SslHandler tls = connection.pipeline().get(SslHandler.class);
        if (tls == null) {
            return List.of();
        }
        try {
            return Arrays.stream(tls.engine().getSession().getPeerCertificates())
                    .filter(X509Certificate.class::isInstance)
                    .map(X509Certificate.class::cast)
                    .toList();
        } catch (SSLPeerUnverifiedException e) {
            return List.of();
        }
    }

    @Override
    public String remoteAddress() {
        return connection.remoteAddress() instanceof InetSocketAddress address && address.getAddress() != null
                ? address.getAddress().getHostAddress()
                : "";
    }

    @Override
    public boolean secure() {
        return connection.pipeline().get(SslHandler.class) != null;
    }

    @Override
    public Identity identity() {
        return identity;
    }

    @Override
    public void setIdentity(Identity identity) {
        this.identity = identity;
    }

    // --- the answer

    @Override
    public Exchange status(int status) {
        requireUncommitted();
        this.status = status;
        return this;
    }

    @Override
    public Exchange setHeader(String name, String value) {
        requireUncommitted();
        answerHeaders.set(name, value);
        return this;
    }

    @Override
    public Exchange addHeader(String name, String value) {
        requireUncommitted();
        answerHeaders.add(name, value);
        return this;
    }

    private void requireUncommitted() {
        if (committed) {
            throw new IllegalStateException("the answer was started already");
        }
    }

    @Override
    public void sendEmpty() throws IOException {
        send(new byte[0]);
    }

    @Override
    public void send(byte[] bytes) throws IOException {
        requireUncommitted();
        committed = true;
        byte[] content = Compression.gzipIfWanted(this, answerHeaders, status, bytes);
        boolean noContent = status == 204 || status == 304 || (status >= 100 && status < 200);
        if (!noContent) {
            answerHeaders.set(HttpHeaderNames.CONTENT_LENGTH, content.length);
        }
        boolean head = noContent || method().equals("HEAD");
        completeHeaders();
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(status),
                head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(content),
                answerHeaders,
                EmptyHttpHeaders.INSTANCE);
        headWritten = true;
        sentBytes = head ? 0 : content.length;
        finishWith(response, sentBytes > AWAITED_BYTES);
    }

    @Override
    public void send(List<byte[]> parts) throws IOException {
        long length = Exchange.length(parts);
        if (length < STREAMED_BYTES) {
            send(Exchange.joined(parts));
            return;
        }
        boolean gzip = Compression.wanted(this, answerHeaders, status, length);
        if (!gzip) {
            answerHeaders.set(HttpHeaderNames.CONTENT_LENGTH, length);
        }
        OutputStream stream = stream();
        timed = true;
        OutputStream out = gzip ? Compression.gzip(stream) : stream;
        for (byte[] part : parts) {
            out.write(part);
        }
        // Not after a failure: it would end properly what is not whole.
        out.close();
    }

    @Override
    public OutputStream stream() {
        requireUncommitted();
        committed = true;
        if (!answerHeaders.contains(HttpHeaderNames.CONTENT_LENGTH) && http1) {
            if (request.protocolVersion().compareTo(HttpVersion.HTTP_1_1) >= 0) {
                answerHeaders.set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
            } else {
                keep = false;
            }
        }
        AnswerStream result = new AnswerStream(this);
        stream = result;
        timed = false;
        return result;
    }

    @Override
    public Optional<OutputStream> messages() throws IOException {
        if (!http1 || !WebSocketAnswer.wanted(this)) {
            return Optional.empty();
        }
        requireUncommitted();
        committed = true;
        keep = false;
        status = HttpResponseStatus.SWITCHING_PROTOCOLS.code();
        ChannelPromise shaken = channel.newPromise();
        context.executor()
                .execute(() -> whenBodyComplete(() -> {
                    WebSocketAnswer.shakeHands(context, request, answerHeaders, shaken);
                    requests.want();
                }));
        answers.await(shaken);
        headWritten = true;
        return Optional.of(new WebSocketAnswer(this));
    }

    /** Takes over the message. Waits while the client reads slower than this writes. */
    void writeMessage(WebSocketFrame message, int length) throws IOException {
        answers.requireOpen(message);
        sentBytes += length;
        channel.writeAndFlush(message, channel.voidPromise());
        answers.awaitWritable();
    }

    /** The same for the last one. */
    void writeLastMessage(WebSocketFrame message) throws IOException {
        finishWith(message, false);
    }

    @Override
    public boolean committed() {
        return committed;
    }

    private void completeHeaders() {
        if (!answerHeaders.contains(HttpHeaderNames.DATE)) {
            answerHeaders.set(HttpHeaderNames.DATE, HttpDate.of(engine.kernel.clock()));
        }
        if (!http1) {
            return;
        }
        if (engine.draining() || body.tooMuchLeft()) {
            keep = false;
        }
        if (!keep) {
            answerHeaders.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (request.protocolVersion().equals(HttpVersion.HTTP_1_0)) {
            answerHeaders.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
    }

    ByteBuf buffer(int capacity) {
        return channel.alloc().buffer(capacity);
    }

    void flushHead() throws IOException {
        answers.requireOpen();
        if (!headWritten) {
            writeHead();
            channel.flush();
        }
    }

    private void writeHead() {
        headWritten = true;
        completeHeaders();
        channel.write(
                new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), answerHeaders),
                channel.voidPromise());
    }

    /** Takes over the buffer. Waits while the client reads slower than this writes. */
    void writePart(ByteBuf part) throws IOException {
        if (!answers.isOpen() || method().equals("HEAD")) {
            part.release();
            answers.requireOpen();
            return;
        }
        if (!headWritten) {
            writeHead();
        }
        sentBytes += part.readableBytes();
        channel.writeAndFlush(new DefaultHttpContent(part), channel.voidPromise());
        answers.awaitWritable();
    }

    /** Takes over the buffer. */
    void writeLast(ByteBuf part) throws IOException {
        answers.requireOpen(part);
        if (!headWritten) {
            writeHead();
        }
        if (method().equals("HEAD")) {
            part.clear();
        }
        sentBytes += part.readableBytes();
        if (part.isReadable()) {
            finishWith(new DefaultLastHttpContent(part), false);
        } else {
            part.release();
            finishWith(LastHttpContent.EMPTY_LAST_CONTENT, false);
        }
    }

    private void finishWith(Object message, boolean await) throws IOException {
        answers.requireOpen(message);
        answered = true;
        ChannelFuture written = channel.writeAndFlush(message);
        lastWrite = written;
        if (await) {
            answers.await(written);
        }
    }

    // --- the client going

    @Override
    public boolean open() {
        return answers.isOpen() && !end.reached();
    }

    @Override
    public void onClose(Runnable action) {
        end.then(action);
    }

    /** Whether it ends only when its client goes: it registered an action for that. */
    boolean endless() {
        return end.awaited();
    }

    void signalClose() {
        end.reach(rawPath());
    }

    /** From the I/O thread. */
    void clientGone() {
        answers.gone();
        body.gone();
        if (!answered) {
            signalClose();
        }
    }

    /** From the I/O thread. */
    void writabilityChanged() {
        answers.writabilityChanged();
    }

    /** The listener waited long enough: interrupts the handler. */
    void abort() {
        Thread thread = handlerThread;
        if (thread != null) {
            thread.interrupt();
        }
    }

    // --- the body, from the I/O thread

    boolean put(HttpContent content) {
        boolean last = content instanceof LastHttpContent;
        boolean accepted = body.put(content);
        Runnable action = bodyCompleteAction;
        if (last && action != null) {
            bodyCompleteAction = null;
            action.run();
        }
        return accepted;
    }

    boolean discardBody() {
        return body.discard();
    }

    boolean bodyComplete() {
        return body.complete();
    }

    void linger() {
        body.linger();
    }

    void whenBodyComplete(Runnable action) {
        if (body.complete()) {
            action.run();
        } else {
            bodyCompleteAction = action;
        }
    }

    void releaseBody() {
        var _ = body.discard();
    }

    // --- the handler's thread

    void run() {
        handlerThread = Thread.currentThread();
        boolean proper = false;
        try {
            proper = RequestRunner.run(engine, this);
        } finally {
            handlerThread = null;
            AnswerStream open = stream;
            if (open != null) {
                open.abandon();
            }
            boolean keepConnection = proper && keep && answered;
            ChannelFuture last = answered ? lastWrite : null;
            record();
            context.executor().execute(() -> requests.ended(this, context, keepConnection, last));
        }
    }

    /** Ends an open stream properly. */
    void complete() throws IOException {
        AnswerStream open = stream;
        if (open != null) {
            open.close();
        }
    }

    void mounted(String prefix) {
        mount = prefix;
    }

    int status() {
        return status;
    }

    /** Forgets what a handler prepared before it failed. */
    void resetAnswer() {
        answerHeaders.clear();
        status = 200;
    }

    /** The answer cannot be trusted to be whole: the connection ends with it. */
    void doNotKeep() {
        keep = false;
    }

    private void record() {
        String listener = engine.options.name();
        long nanos = engine.kernel.clock().nanoTime() - startNanos;
        int code = headWritten ? status : 0;
        engine.metrics
                .requests
                .labelValues(listener, mount, ServingMetrics.method(method()), Integer.toString(code))
                .inc();
        if (timed && code != HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
            engine.metrics.durations.labelValues(listener, mount).observe(nanos / 1e9);
        }
        AccessLog log = engine.options.accessLog();
        if (log != null) {
            log.write(new AccessLog.Entry(
                    listener,
                    remoteAddress(),
                    identity.authenticated() ? identity.name() : "-",
                    startedAt,
                    method(),
                    request.uri(),
                    http1 ? request.protocolVersion().text() : "HTTP/2",
                    code,
                    sentBytes,
                    header("User-Agent").orElse("-"),
                    nanos / 1_000));
        }
    }
}
