package dev.coppice.control.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Semaphore;

/**
 * Posts reviews to webhooks over HTTPS and reads their answers. A call has one deadline from its beginning to the last byte, an
 * answer a largest size, and all calls together a largest number; redirects are not followed and no proxy is used. Blocks the
 * calling thread, and needs no other. Safe for use by many threads.
 */
public final class WebhookClient {
    /** As much as a request of the API may have. */
    static final int LARGEST_ANSWER = 3 << 20;

    static final int MOST_AT_ONCE = 512;
    private static final Map<String, String> HEADERS = Map.of("User-Agent", "coppice-admission");

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
        HttpsCall call = new HttpsCall(
                trust.of(clientConfig.path("caBundle").asText("")),
                endpoint.uri(),
                endpoint.serverName(),
                HEADERS,
                Duration.ofSeconds(timeoutSeconds),
                LARGEST_ANSWER);
        HttpsCall.Answer answer;
        try {
            answer = call.send(kernel, "POST", body);
        } catch (IOException e) {
            throw new WebhookException(what + e.getMessage(), e);
        }
        if (answer.status() != 200) {
            String text = answer.line();
            throw new WebhookException(
                    "the webhook answered with status " + answer.status() + (text.isEmpty() ? "" : ": " + text));
        }
        try {
            return Json.parse(answer.body());
        } catch (RuntimeException e) {
            throw new WebhookException("the webhook's answer is no JSON object: " + e.getMessage(), e);
        }
    }
}
