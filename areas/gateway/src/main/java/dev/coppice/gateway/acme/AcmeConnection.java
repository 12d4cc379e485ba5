package dev.coppice.gateway.acme;

import dev.coppice.kernel.Clock;
import dev.coppice.probe.AddressPolicy;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLSession;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.DefaultConnection;
import org.shredzone.acme4j.connector.HttpConnector;

/**
 * Requests to an ACME server with one deadline from the first byte to the last of the answer, and a largest size of that; to addresses that
 * anybody may call. Used by one thread.
 */
final class AcmeConnection extends DefaultConnection {
    /** More than the longest chain of certificates. */
    static final int MOST_BYTES = 1 << 20;

    private static final ScopedValue<Deadline> DEADLINE = ScopedValue.newInstance();

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

    AcmeConnection(HttpConnector connector, Duration limit) {
        super(connector);
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
        check(url.getHost());
        HttpResponse<byte[]> answer = await(httpClient.sendAsync(builder.build(), bounded()));
        String type = answer.headers().firstValue("Content-Type").orElse("");
        if ((answer.statusCode() == 429 || answer.statusCode() == 503)
                && !type.startsWith("application/problem+json")) {
            throw new BusyException(
                    answer.statusCode(),
                    answer.headers().firstValue("Retry-After").orElse(""));
        }
        lastResponse = new Received(answer);
    }

    private HttpResponse<byte[]> await(CompletableFuture<HttpResponse<byte[]>> sent) throws IOException {
        Duration left = DEADLINE.isBound() ? DEADLINE.get().left() : limit;
        Duration most = left.compareTo(limit) < 0 ? left : limit;
        try {
            return sent.get(most.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException(
                    most.equals(limit)
                            ? "no whole answer within " + limit.toSeconds() + " s"
                            : "its answers together take longer than "
                                    + DEADLINE.get().whole().toSeconds() + " s",
                    e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            sent.cancel(true);
        }
    }

    /** Each look-up is good for the connection that follows: the platform keeps it for some seconds. */
    private static void check(String host) throws IOException {
        for (InetAddress each : InetAddress.getAllByName(host)) {
            String refusal = AddressPolicy.STRICT.refusal(each);
            if (refusal != null) {
                throw new IOException(host + " may not be called: " + refusal);
            }
        }
    }

    private static HttpResponse.BodyHandler<byte[]> bounded() {
        return _ -> {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            return HttpResponse.BodySubscribers.mapping(
                    HttpResponse.BodySubscribers.ofByteArrayConsumer(part -> part.ifPresent(bytes -> take(all, bytes))),
                    _ -> all.toByteArray());
        };
    }

    private static void take(ByteArrayOutputStream all, byte[] part) {
        if (all.size() + part.length > MOST_BYTES) {
            throw new UncheckedIOException(new IOException("the answer is larger than " + MOST_BYTES + " bytes"));
        }
        all.writeBytes(part);
    }

    /** An answer that has come whole. */
    private record Received(HttpResponse<byte[]> answer) implements HttpResponse<InputStream> {
        @Override
        public int statusCode() {
            return answer.statusCode();
        }

        @Override
        public HttpRequest request() {
            return answer.request();
        }

        @Override
        public Optional<HttpResponse<InputStream>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public HttpHeaders headers() {
            return answer.headers();
        }

        @Override
        public InputStream body() {
            return new ByteArrayInputStream(answer.body());
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return answer.sslSession();
        }

        @Override
        public URI uri() {
            return answer.uri();
        }

        @Override
        public HttpClient.Version version() {
            return answer.version();
        }
    }
}
