package dev.coppice.control.audit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.RequestPath;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Records what requests of the API did, as kube-apiserver does (audit.k8s.io/v1). A request never waits for it: events are encoded
 * in the request's thread and wait in a bounded buffer for each sink, which a process of its own empties. Safe for use by many
 * threads.
 */
public final class AuditLog {
    private static final int FILE_BUFFER = 50_000;
    /** Whoever is refused has no name. */
    private static final Identity NOBODY = new Identity("", "", List.of(), Map.of());

    private static final Duration STOP = Duration.ofSeconds(10);

    private final Kernel kernel;
    private final @Nullable AuditPolicy policy;
    private final @Nullable AuditMetrics metrics;
    private final List<AuditBuffer> buffers = new ArrayList<>();
    private final List<ChildSpec> children = new ArrayList<>();

    private AuditLog(Kernel kernel, @Nullable AuditPolicy policy, @Nullable AuditMetrics metrics) {
        this.kernel = kernel;
        this.policy = policy;
        this.metrics = metrics;
    }

    /**
     * Makes one.
     *
     * @throws IllegalArgumentException when {@link AuditOptions#check} finds something wrong
     */
    public static AuditLog of(Kernel kernel, AuditOptions options) {
        return of(kernel, options, System.out);
    }

    static AuditLog of(Kernel kernel, AuditOptions options, OutputStream standardOutput) {
        List<String> problems = new ArrayList<>();
        AuditOptions.Loaded loaded = options.load(problems);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
        if (loaded == null) {
            return new AuditLog(kernel, null, null);
        }
        AuditMetrics metrics = new AuditMetrics(kernel.metrics());
        AuditLog log = new AuditLog(kernel, loaded.policy(), metrics);
        if (options.logPath() != null) {
            log.file(options, metrics, standardOutput);
        }
        Kubeconfig server = loaded.server();
        if (server != null) {
            log.webhook(server, options.webhook(), metrics);
        }
        AuditMetrics.waiting(kernel.metrics(), log.buffers);
        return log;
    }

    private void file(AuditOptions options, AuditMetrics metrics, OutputStream standardOutput) {
        AuditBuffer buffer = new AuditBuffer(kernel, "log", FILE_BUFFER, metrics);
        buffers.add(buffer);
        AuditFile file = new AuditFile(
                kernel,
                options.standardOutput() ? null : Path.of(String.valueOf(options.logPath())),
                new AuditFile.Limits((long) options.maxSize() << 20, options.maxBackup(), options.maxAge()),
                buffer,
                metrics,
                standardOutput);
        children.add(ChildSpec.task("audit-log", file::run).withShutdown(STOP));
    }

    private void webhook(Kubeconfig server, AuditOptions.Webhook options, AuditMetrics metrics) {
        AuditBuffer buffer = new AuditBuffer(kernel, "webhook", options.bufferSize(), metrics);
        buffers.add(buffer);
        AuditWebhook webhook = new AuditWebhook(
                kernel,
                server,
                new AuditWebhook.Batches(options.maxBatch(), options.maxWait(), options.initialBackoff()),
                buffer,
                metrics);
        children.add(ChildSpec.task("audit-webhook", webhook::run).withShutdown(STOP));
    }

    /** What writes and sends; to be started before requests are served, so that it stops after them. */
    public List<ChildSpec> children() {
        return List.copyOf(children);
    }

    /**
     * Begins to record a request.
     *
     * @param resource null for a path that is no resource
     * @return null when the policy leaves it out
     */
    public @Nullable AuditedExchange begin(Exchange exchange, String verb, @Nullable RequestPath resource) {
        AuditRecord begun = record(exchange, exchange.identity(), verb, resource);
        if (begun == null) {
            return null;
        }
        begun.received();
        return new AuditedExchange(exchange, begun);
    }

    /** Records that somebody's credentials were refused. */
    public void refused(Exchange exchange, String verb, @Nullable RequestPath resource) {
        AuditRecord refused = record(exchange, NOBODY, verb, resource);
        if (refused != null) {
            refused.unauthenticated();
        }
    }

    private @Nullable AuditRecord record(
            Exchange exchange, Identity identity, String verb, @Nullable RequestPath resource) {
        if (policy == null || metrics == null) {
            return null;
        }
        AuditPolicy.Decision decision = policy.decide(identity, verb, resource, exchange.path());
        metrics.levels.labelValues(decision.level().text()).inc();
        return decision.level() == AuditLevel.NONE
                ? null
                : new AuditRecord(kernel, this::write, decision, exchange, identity, verb, resource);
    }

    private void write(ObjectNode event) {
        byte[] bytes = Json.bytes(event);
        if (metrics != null) {
            metrics.events.inc();
        }
        buffers.forEach(buffer -> buffer.offer(bytes));
    }
}
