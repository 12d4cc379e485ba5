package dev.coppice.control.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Proxy;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import javax.net.ssl.HttpsURLConnection;
import org.jspecify.annotations.Nullable;

/**
 * Posts reviews to webhooks over HTTPS and reads their answers. A call has one deadline from its beginning to the last byte, an
 * answer a largest size, and all calls together a largest number; redirects are not followed and no proxy is used. Blocks the
 * calling thread, and needs no other. Safe for use by many threads.
 */
public final class WebhookClient {
    /** As much as a request of the API may have. */
    static final int LARGEST_ANSWER = 3 << 20;

    static final int MOST_AT_ONCE = 512;
    private static final int ERROR_SHOWN = 200;
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f\\x7f]+");

    private final Kernel kernel;
    private final Endpoints endpoints;
    private final ServerTrust trust;
    private final WebhookMetrics metrics;
    private final Semaphore free = new Semaphore(MOST_AT_ONCE);

    public WebhookClient(Kernel kernel, Definition services, Definition slices) {
        this.kernel = kernel;
        this.endpoints = new Endpoints(services, slices, kernel.random());
        this.trust = new ServerTrust(kernel.secureRandom());
        this.metrics = new WebhookMetrics(kernel.metrics());
    }

    /**
     * Calls one.
     *
     * @param use what for, as metrics name it
     * @param clientConfig the part of that name of a webhook's configuration
     * @throws WebhookException when there is no JSON object with status 200 in time
     */
    public ObjectNode call(String use, JsonNode clientConfig, ObjectNode body, int timeoutSeconds)
            throws WebhookException {
        if (!free.tryAcquire()) {
            metrics.refused.inc();
            throw new WebhookException(MOST_AT_ONCE + " calls of webhooks are under way, the most allowed; try again");
        }
        metrics.running.inc();
        long start = kernel.clock().nanoTime();
        boolean good = false;
        try {
            ObjectNode answer = post(clientConfig, Json.bytes(body), timeoutSeconds);
            good = true;
            return answer;
        } finally {
            free.release();
            metrics.running.dec();
            if (!good) {
                metrics.failures.labelValues(use).inc();
            }
            metrics.seconds.labelValues(use).observe((kernel.clock().nanoTime() - start) / 1e9);
        }
    }

    private ObjectNode post(JsonNode clientConfig, byte[] body, int timeoutSeconds) throws WebhookException {
        Endpoints.Endpoint endpoint = endpoints.find(clientConfig, timeoutSeconds);
        String what = "Post \"" + endpoint.shown() + "?timeout=" + timeoutSeconds + "s\": ";
        Deadline deadline = new Deadline();
        HttpsURLConnection connection;
        try {
            connection = (HttpsURLConnection) endpoint.uri().toURL().openConnection(Proxy.NO_PROXY);
        } catch (IOException e) {
            throw new WebhookException(what + message(e), e);
        }
        connection.setSSLSocketFactory(
                trust.sockets(clientConfig.path("caBundle").asText(""), endpoint.serverName(), deadline::watch));
        int millis = timeoutSeconds * 1000;
        connection.setConnectTimeout(millis);
        connection.setReadTimeout(millis);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        Timers.Timer timer = kernel.timers().schedule(Duration.ofSeconds(timeoutSeconds), deadline::pass);
        try {
            return exchange(connection, body);
        } catch (IOException e) {
            boolean time = deadline.passed || e instanceof java.net.SocketTimeoutException;
            String why = time ? "context deadline exceeded: no answer within " + timeoutSeconds + " s" : message(e);
            throw new WebhookException(what + why, e);
        } finally {
            timer.cancel();
            connection.disconnect();
        }
    }

    /**
     * Ends a call by closing the socket below TLS. To close a TLS socket would wait for whoever writes to it, and a timer may not
     * wait.
     */
    private static final class Deadline {
        private volatile boolean passed;
        private @Nullable Socket socket;

        synchronized void watch(Socket connected) {
            socket = connected;
            if (passed) {
                close(connected);
            }
        }

        synchronized void pass() {
            passed = true;
            if (socket != null) {
                close(socket);
            }
        }

        private static void close(Socket socket) {
            try {
                socket.close();
            } catch (IOException e) {
                // It is of no more use in any case.
            }
        }
    }

    private static ObjectNode exchange(HttpsURLConnection connection, byte[] body)
            throws IOException, WebhookException {
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        // A connection is used once: no thread of the JDK has to keep it, and no stale one makes it send a review
        // twice.
        connection.setRequestProperty("Connection", "close");
        connection.setRequestProperty("Content-Type", "application/json");
        connection.setRequestProperty("Accept", "application/json");
        connection.setRequestProperty("User-Agent", "coppice-admission");
        connection.setFixedLengthStreamingMode(body.length);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
        int status = connection.getResponseCode();
        if (status != 200) {
            InputStream error = connection.getErrorStream();
            String text = error == null
                    ? ""
                    : new String(error.readNBytes(ERROR_SHOWN), java.nio.charset.StandardCharsets.UTF_8);
            throw new WebhookException("the webhook answered with status " + status
                    + (text.isBlank()
                            ? ""
                            : ": " + CONTROL.matcher(text).replaceAll(" ").strip()));
        }
        byte[] answer = read(connection.getInputStream());
        try {
            return Json.parse(answer);
        } catch (RuntimeException e) {
            throw new WebhookException("the webhook's answer is no JSON object: " + e.getMessage(), e);
        }
    }

    private static byte[] read(InputStream in) throws IOException, WebhookException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[8 << 10];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            all.write(buffer, 0, n);
            if (all.size() > LARGEST_ANSWER) {
                throw new WebhookException("the webhook's answer is larger than " + LARGEST_ANSWER + " bytes");
            }
        }
        return all.toByteArray();
    }

    private static String message(IOException e) {
        String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return CONTROL.matcher(text).replaceAll(" ");
    }
}
