package dev.coppice.gateway.acme;

import dev.coppice.control.webhook.ClientTls;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.DefaultConnection;
import org.shredzone.acme4j.connector.HttpConnector;

/**
 * Requests to an ACME server with one deadline from the first byte to the last of the answer, and a largest size of that; only
 * to addresses that may be called, which is asked of the one that is connected to, before anything is sent there. Used by one thread.
 */
final class AcmeConnection extends DefaultConnection {
    /** More than the longest chain of certificates. */
    static final int MOST_BYTES = 1 << 20;

    /** More than any problem that people read. */
    private static final int MOST_PROBLEM_BYTES = 64 << 10;

    /** The library wants to have one; nothing is sent by it. */
    static final HttpClient NO_CLIENT = new UnusedClient();

    private static final ScopedValue<Deadline> DEADLINE = ScopedValue.newInstance();

    private final Kernel kernel;
    private final ClientTls tls;
    private final HttpsCall.AddressRule addresses;
    private final Duration limit;

    private record Deadline(Clock clock, long begunNanos, Duration whole) {
        Duration left() {
            return whole.minusNanos(clock.nanoTime() - begunNanos);
        }
    }

    /** Does something whose requests have one deadline together. */
    static <R> R within(Duration whole, Clock clock, Supplier<R> work) {
        return ScopedValue.where(DEADLINE, new Deadline(clock, clock.nanoTime(), whole))
                .call(work::get);
    }

    AcmeConnection(
            HttpConnector connector, Kernel kernel, ClientTls tls, HttpsCall.AddressRule addresses, Duration limit) {
        super(connector);
        this.kernel = kernel;
        this.tls = tls;
        this.addresses = addresses;
        this.limit = limit;
    }

    /** A server that is too busy; it need not say so as ACME's own errors do. */
    static final class BusyException extends IOException {
        final String retryAfter;

        BusyException(int status, String retryAfter) {
            super("the server answered with status " + status);
            this.retryAfter = retryAfter;
        }
    }

    @Override
    protected void sendRequest(Session session, URL url, Consumer<HttpRequest.Builder> body) throws IOException {
        HttpRequest.Builder builder = httpConnector
                .createRequestBuilder(url)
                .header("Accept-Charset", "utf-8")
                .header("Accept-Language", session.getLanguageHeader());
        body.accept(builder);
        Received answer = send(builder.build());
        String type = answer.headers().firstValue("Content-Type").orElse("");
        if ((answer.statusCode() == 429 || answer.statusCode() == 503)
                && !type.startsWith("application/problem+json")) {
            throw new BusyException(
                    answer.statusCode(),
                    answer.headers().firstValue("Retry-After").orElse(""));
        }
        lastResponse = answer;
    }

    private Received send(HttpRequest request) throws IOException {
        Duration left = DEADLINE.isBound() ? DEADLINE.get().left() : limit;
        Duration most = left.compareTo(limit) < 0 ? left : limit;
        if (most.isNegative() || most.isZero()) {
            throw together(null);
        }
        Map<String, String> headers = new HashMap<>();
        request.headers().map().forEach((name, values) -> headers.put(name, String.join(", ", values)));
        try {
            HttpsCall.Answer answer = HttpsCall.to(tls, request.uri(), headers, most, MOST_BYTES)
                    .withErrors(MOST_PROBLEM_BYTES)
                    .onlyTo(addresses)
                    .send(kernel, request.method(), body(request));
            return new Received(request, answer, HttpHeaders.of(answer.headers(), (_, _) -> true));
        } catch (SocketTimeoutException e) {
            throw most.equals(limit)
                    ? new IOException("no whole answer within " + limit.toSeconds() + " s", e)
                    : together(e);
        }
    }

    private static IOException together(@Nullable Throwable cause) {
        return new IOException(
                "its answers together take longer than "
                        + DEADLINE.get().whole().toSeconds() + " s",
                cause);
    }

    private static byte @Nullable [] body(HttpRequest request) throws IOException {
        HttpRequest.BodyPublisher publisher = request.bodyPublisher().orElse(null);
        if (publisher == null || publisher.contentLength() == 0) {
            return null;
        }
        Collector all = new Collector();
        // What the library sends is in memory, so that it is there at once.
        publisher.subscribe(all);
        if (!all.complete) {
            throw new IOException("the request is not whole");
        }
        return all.bytes.toByteArray();
    }

    /** Collects a body. */
    private static final class Collector implements Flow.Subscriber<ByteBuffer> {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        boolean complete;

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ByteBuffer part) {
            byte[] some = new byte[part.remaining()];
            part.get(some);
            bytes.writeBytes(some);
        }

        @Override
        public void onError(Throwable cause) {
            complete = false;
        }

        @Override
        public void onComplete() {
            complete = true;
        }
    }

    /** An answer that has come whole. */
    private record Received(HttpRequest request, HttpsCall.Answer answer, HttpHeaders headers)
            implements HttpResponse<InputStream> {
        @Override
        public int statusCode() {
            return answer.status();
        }

        @Override
        public Optional<HttpResponse<InputStream>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public InputStream body() {
            return new ByteArrayInputStream(answer.body());
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return Optional.empty();
        }

        @Override
        public URI uri() {
            return request.uri();
        }

        @Override
        public HttpClient.Version version() {
            return HttpClient.Version.HTTP_1_1;
        }
    }
}
