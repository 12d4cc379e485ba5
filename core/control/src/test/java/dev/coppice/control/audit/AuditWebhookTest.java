package dev.coppice.control.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.runtime.Eventually;
import dev.coppice.control.webhook.WebhookServer;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Events that are posted to a server over HTTPS. */
class AuditWebhookTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private Kernel kernel;
    private WebhookServer server;
    private AuditMetrics metrics;
    private final Queue<JsonNode> lists = new ConcurrentLinkedQueue<>();
    private final Queue<String> authorizations = new ConcurrentLinkedQueue<>();
    /** What the server answers to the next requests, before it answers 200. */
    private final Queue<Integer> answers = new ConcurrentLinkedQueue<>();

    private final AtomicInteger asked = new AtomicInteger();

    @BeforeEach
    void start() throws Exception {
        kernel = Kernel.start();
        metrics = new AuditMetrics(kernel.metrics());
        server = new WebhookServer(kernel, folder.resolve("pki"), "127.0.0.1").raw("/audit", exchange -> {
            asked.incrementAndGet();
            authorizations.add(exchange.header("Authorization").orElse(""));
            JsonNode list = Json.mapper().readTree(exchange.body().readAllBytes());
            Integer code = answers.poll();
            if (code == null) {
                lists.add(list);
            }
            exchange.status(code == null ? 200 : code).send("text/plain", "told");
        });
    }

    @AfterEach
    void stop() {
        server.close();
        kernel.close();
    }

    private AuditBuffer webhook(int bufferSize, int most) throws Exception {
        Path config = folder.resolve("kubeconfig");
        Files.writeString(folder.resolve("token"), "of-a-file\n");
        Files.writeString(config, """
                apiVersion: v1
                kind: Config
                current-context: audit
                contexts: [{name: audit, context: {cluster: collector, user: node}}]
                clusters: [{name: collector, cluster: {server: "https://127.0.0.1:%d/audit",
                  certificate-authority-data: %s}}]
                users: [{name: node, user: {tokenFile: token}}]
                """.formatted(server.port(), server.caBundle()));
        List<String> problems = new ArrayList<>();
        Kubeconfig read = Kubeconfig.read("--audit-webhook-config-file", config, problems);
        assertThat(problems).isEmpty();
        AuditBuffer buffer = new AuditBuffer(kernel, "webhook", bufferSize, metrics);
        AuditWebhook webhook = new AuditWebhook(
                kernel,
                read,
                new AuditWebhook.Batches(most, Duration.ofMillis(50), Duration.ofMillis(1)),
                buffer,
                metrics);
        var _ = kernel.root().start(ChildSpec.task("audit-webhook", webhook::run));
        return buffer;
    }

    private static byte[] event(int number) {
        return ("{\"number\":" + number + "}").getBytes(StandardCharsets.UTF_8);
    }

    private List<Integer> numbers() {
        List<Integer> numbers = new ArrayList<>();
        lists.forEach(
                l -> l.path("items").forEach(i -> numbers.add(i.path("number").asInt())));
        return numbers;
    }

    @Test
    void eventsArriveInBatchesInOrder() throws Exception {
        AuditBuffer buffer = webhook(1_000, 10);
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < 95; i++) {
            all.add(i);
            buffer.offer(event(i));
        }
        Eventually.eventually(LIMIT, () -> numbers().size() == 95);
        assertThat(numbers()).isEqualTo(all);
        assertThat(lists).allMatch(l -> l.path("items").size() <= 10);
        assertThat(lists.element().path("kind").asText()).isEqualTo("EventList");
        assertThat(lists.element().path("apiVersion").asText()).isEqualTo("audit.k8s.io/v1");
        assertThat(authorizations).allMatch("Bearer of-a-file"::equals);
    }

    @Test
    void aServerThatFailsIsAskedAgain() throws Exception {
        answers.addAll(List.of(503, 429));
        AuditBuffer buffer = webhook(1_000, 10);
        buffer.offer(event(1));
        Eventually.eventually(LIMIT, () -> numbers().equals(List.of(1)));
        assertThat(asked.get()).isEqualTo(3);
        assertThat(metrics.errors.labelValues("webhook").get()).isZero();
    }

    @Test
    void whatItDoesNotTakeIsDroppedAndCounted() throws Exception {
        answers.addAll(List.of(500, 500, 500, 500, 500, 400));
        AuditBuffer buffer = webhook(1_000, 1);
        for (int i = 1; i <= 3; i++) {
            buffer.offer(event(i));
        }
        Eventually.eventually(LIMIT, () -> numbers().equals(List.of(3)));
        assertThat(asked.get())
                .as("five times the first, once the second and the third")
                .isEqualTo(7);
        assertThat(metrics.dropped.labelValues("webhook", "failed").get()).isEqualTo(2);
    }

    @Test
    void everythingThatIsWrongWithAKubeconfigIsToldAtOnce() throws Exception {
        Path config = folder.resolve("kubeconfig");
        Files.writeString(config, """
                current-context: audit
                contexts: [{name: audit, context: {cluster: collector, user: node}}]
                clusters: [{name: collector, cluster: {server: "http://here", insecure-skip-tls-verify: true}}]
                users: [{name: node, user: {client-certificate: missing.pem, exec: {}}}]
                """);
        List<String> problems = new ArrayList<>();
        assertThat(Kubeconfig.read("--audit-webhook-config-file", config, problems))
                .isNull();
        assertThat(problems)
                .hasSize(4)
                .allMatch(p -> p.startsWith("--audit-webhook-config-file: " + config + ": "))
                .anyMatch(p -> p.contains("server: \"http://here\": expected https://"))
                .anyMatch(p -> p.contains("insecure-skip-tls-verify: true: expected certificate-authority"))
                .anyMatch(p -> p.contains("exec is not supported"))
                .anyMatch(p -> p.contains("client-certificate: missing.pem cannot be read"));
    }

    @Test
    void optionsThatDoNotFitTogether() {
        List<String> problems = new ArrayList<>();
        new AuditOptions(null, "-", 0, -1, -1, AuditOptions.Webhook.NONE).check(problems);
        assertThat(problems)
                .hasSize(4)
                .anyMatch(p -> p.startsWith("--audit-policy-file: is missing"))
                .anyMatch(p -> p.startsWith("--audit-log-maxsize: 0"))
                .anyMatch(p -> p.startsWith("--audit-log-maxbackup: -1"))
                .anyMatch(p -> p.startsWith("--audit-log-maxage: -1"));
    }
}
