package dev.coppice.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.SupervisedExecutor;
import dev.coppice.kernel.Supervisor;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Requests to a Kubernetes API server. fabric8 brings credentials and their refresh, TLS, proxies and the HTTP client; its work
 * runs on a supervised executor. A request is sent once; who retries is the caller, with its own bounds. Safe for use by many
 * threads.
 */
public final class ClusterConnection implements AutoCloseable {
    /** Requests that wait for an answer at once; further ones wait for their turn. */
    private static final int MOST_AT_ONCE = 64;

    private static final int LARGEST_ANSWER = 64 << 20;
    private static final int LONGEST_MESSAGE = 500;

    /** For what changes little and is asked often; a list may take as long. */
    static final Duration REQUEST_LIMIT = Duration.ofSeconds(30);

    private final Kernel kernel;
    private final ClusterAccess access;
    private final SupervisedExecutor executor;
    private final KubernetesClient client;
    private final HttpClient http;
    private final Semaphore turns = new Semaphore(MOST_AT_ONCE);
    private final ConnectionMetrics metrics;

    /**
     * Connects when it is first used.
     *
     * @param parent below which the executor {@code cluster-requests} runs
     */
    public ClusterConnection(Kernel kernel, Supervisor parent, ClusterAccess access) throws StartException {
        this.kernel = kernel;
        this.access = access;
        this.executor = parent.executor("cluster-requests");
        this.metrics = ConnectionMetrics.of(kernel.metrics());
        Config config = access.config();
        this.client = new KubernetesClientBuilder()
                .withConfig(config)
                .withTaskExecutor(executor)
                .withHttpClientFactory(new SupervisedHttpClients(executor))
                .build();
        this.http = client.getHttpClient();
    }

    /** The JDK's HTTP client, on an executor of ours. Its selector is the one thread that it keeps for itself. */
    private static final class SupervisedHttpClients extends JdkHttpClientFactory {
        private final Executor executor;

        SupervisedHttpClients(Executor executor) {
            this.executor = executor;
        }

        @Override
        protected void additionalConfig(java.net.http.HttpClient.Builder builder) {
            var unused = builder.executor(executor);
        }
    }

    /**
     * A request.
     *
     * @param verb as in RBAC, for metrics, such as {@code list}
     * @param target path and query, beginning with a slash
     * @param contentType of the body
     * @param body null for none
     */
    record Call(
            String verb,
            String method,
            String target,
            String accept,
            String contentType,
            @Nullable String body) {
        static Call get(String verb, String target) {
            return new Call(verb, "GET", target, "application/json", "", null);
        }

        static Call with(String verb, String method, String target, String contentType, ObjectNode body) {
            return new Call(verb, method, target, "application/json", contentType, body.toString());
        }
    }

    Kernel kernel() {
        return kernel;
    }

    Executor executor() {
        return executor;
    }

    HttpClient http() {
        return http;
    }

    ConnectionMetrics metrics() {
        return metrics;
    }

    public String server() {
        return access.server();
    }

    /** Sends a request; gives its answer. Throws ApiException for whatever is not a success, or no answer in time. */
    ObjectNode send(Call call, Duration limit) {
        long deadlineNanos = kernel.clock().nanoTime() + limit.toNanos();
        try {
            if (!turns.tryAcquire(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                throw unavailable("too many requests wait for answers of " + server());
            }
        } catch (InterruptedException e) {
            throw interrupted();
        }
        long startNanos = kernel.clock().nanoTime();
        metrics.inFlight.inc();
        try {
            Answer answer = exchange(request(call), deadlineNanos);
            metrics.requests
                    .labelValues(call.method(), Integer.toString(answer.code()))
                    .inc();
            return object(call, answer);
        } catch (ExecutionException | CancellationException | TimeoutException | Unreadable e) {
            metrics.requests.labelValues(call.method(), "<error>").inc();
            throw failed(e, limit);
        } catch (InterruptedException e) {
            throw interrupted();
        } finally {
            turns.release();
            metrics.inFlight.dec();
            metrics.seconds.labelValues(call.verb()).observe((kernel.clock().nanoTime() - startNanos) * 1e-9);
        }
    }

    HttpRequest request(Call call) {
        HttpRequest.Builder request = http.newHttpRequestBuilder().uri(server() + call.target());
        if (call.body() != null || !call.method().equals("GET")) {
            String body = call.body();
            request = switch (call.method()) {
                case "POST" -> request.post(call.contentType(), body == null ? "" : body);
                case "DELETE" -> request.delete(call.contentType(), body);
                default -> request.method(call.method(), call.contentType(), body);
            };
        }
        return request.header("Accept", call.accept()).build();
    }

    private record Answer(int code, byte[] body) {}

    private Answer exchange(HttpRequest request, long deadlineNanos)
            throws InterruptedException, ExecutionException, TimeoutException, Unreadable {
        BoundedBody collected = new BoundedBody(LARGEST_ANSWER);
        CompletableFuture<HttpResponse<AsyncBody>> sent = http.consumeBytes(request, collected);
        boolean whole = false;
        try {
            HttpResponse<AsyncBody> response = sent.get(left(deadlineNanos), TimeUnit.NANOSECONDS);
            AsyncBody body = response.body();
            try {
                body.consume();
                var _ = body.done().get(left(deadlineNanos), TimeUnit.NANOSECONDS);
                whole = true;
            } finally {
                if (!whole) {
                    body.cancel();
                }
            }
            return new Answer(response.code(), collected.bytes());
        } catch (CancellationException | ExecutionException e) {
            if (collected.overflowed()) {
                throw new Unreadable("the answer is larger than " + LARGEST_ANSWER + " bytes");
            }
            throw e;
        } finally {
            if (!whole) {
                boolean _ = sent.cancel(true);
            }
        }
    }

    private long left(long deadlineNanos) {
        return Math.max(0, deadlineNanos - kernel.clock().nanoTime());
    }

    private ObjectNode object(Call call, Answer answer) throws Unreadable {
        if (answer.code() >= 200 && answer.code() < 300) {
            try {
                return Json.parse(answer.body());
            } catch (RuntimeException e) {
                throw new Unreadable("the answer to " + call.method() + " " + call.target() + " is not a JSON object");
            }
        }
        throw refusal(answer.code(), answer.body());
    }

    /** What an answer that is no success says. */
    static ApiException refusal(int code, byte[] body) {
        try {
            ObjectNode status = Json.parse(body);
            if (status.path("kind").asText("").equals("Status")) {
                return new ApiException(status);
            }
        } catch (RuntimeException e) {
            // A proxy answered, or nothing at all; it is shown as text.
        }
        String text = new String(body, 0, Math.min(body.length, LONGEST_MESSAGE), StandardCharsets.UTF_8).strip();
        return Statuses.of(
                code,
                switch (code) {
                    case 401 -> "Unauthorized";
                    case 403 -> "Forbidden";
                    case 404 -> "NotFound";
                    case 409 -> "Conflict";
                    case 410 -> "Gone";
                    case 429 -> "TooManyRequests";
                    default -> code >= 500 ? "ServiceUnavailable" : "BadRequest";
                },
                text.isEmpty() ? "the server answered " + code : text);
    }

    /** An answer that came and is of no use. */
    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1;

        Unreadable(String message) {
            super(message);
        }
    }

    private ApiException failed(Exception failure, Duration limit) {
        if (failure instanceof TimeoutException) {
            return unavailable(server() + " did not answer within " + limit.toSeconds() + " s");
        }
        if (failure instanceof Unreadable) {
            return unavailable(server() + ": " + failure.getMessage());
        }
        return unreachable(failure);
    }

    ApiException unreachable(Throwable failure) {
        Throwable cause = failure;
        String message = null;
        while (cause != null) {
            message =
                    cause.getMessage() == null ? message : cause.getClass().getSimpleName() + ": " + cause.getMessage();
            cause = cause.getCause() == cause ? null : cause.getCause();
        }
        return unavailable("cannot reach " + server() + ": " + (message == null ? failure.toString() : message));
    }

    static ApiException unavailable(String message) {
        return Statuses.of(503, "ServiceUnavailable", message);
    }

    private ApiException interrupted() {
        Thread.currentThread().interrupt();
        return unavailable("interrupted while waiting for " + server());
    }

    @Override
    public void close() {
        client.close();
    }
}
