package dev.coppice.control.audit;

import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/**
 * Posts events to a server, batches of them as an {@code EventList} (audit.k8s.io/v1). A batch that does not arrive is sent again,
 * with growing pauses, {@value #ATTEMPTS} times in all if the server is away, answers 429 or fails (5xx); then it is dropped. An
 * event may arrive twice. Runs in one thread.
 */
final class AuditWebhook {
    private static final Logger LOG = System.getLogger(AuditWebhook.class.getName());
    static final int ATTEMPTS = 5;
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration LAST_LIMIT = Duration.ofSeconds(3);
    private static final int LARGEST_ANSWER = 64 << 10;

    private final Kernel kernel;
    private final Kubeconfig server;
    private final Batches batches;
    private final AuditBuffer buffer;
    private final AuditMetrics metrics;

    /**
     * How events are put together.
     *
     * @param most in one batch
     * @param longestWait how long the first of a batch waits for others
     * @param firstPause before a batch is sent for the second time
     */
    record Batches(int most, Duration longestWait, Duration firstPause) {}

    AuditWebhook(Kernel kernel, Kubeconfig server, Batches batches, AuditBuffer buffer, AuditMetrics metrics) {
        this.kernel = kernel;
        this.server = server;
        this.batches = batches;
        this.buffer = buffer;
        this.metrics = metrics;
    }

    /** Sends until it is interrupted, and then what is left, once. */
    void run() throws InterruptedException {
        try {
            while (true) {
                deliver(buffer.take(batches.most, batches.longestWait));
            }
        } finally {
            boolean _ = Thread.interrupted();
            last();
        }
    }

    private void last() {
        List<byte[]> left = buffer.rest(batches.most);
        boolean reached = true;
        while (!left.isEmpty()) {
            try {
                reached = reached && send(left, LAST_LIMIT).status() < 300;
            } catch (IOException e) {
                reached = false;
            }
            if (!reached) {
                metrics.dropped(buffer.plugin(), "stopped", left.size());
            }
            left = buffer.rest(batches.most);
        }
    }

    private void deliver(List<byte[]> batch) throws InterruptedException {
        Backoff pauses = new Backoff(batches.firstPause, batches.firstPause.multipliedBy(8), 1.5, 0.2);
        String why = "";
        for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
            try {
                HttpsCall.Answer answer = send(batch, LIMIT);
                if (answer.status() < 300) {
                    return;
                }
                why = "it answered with status " + answer.status() + ": " + answer.line();
                if (answer.status() != 429 && answer.status() < 500) {
                    break;
                }
            } catch (IOException e) {
                why = String.valueOf(e.getMessage());
            }
            if (attempt < ATTEMPTS) {
                pause(pauses.delay(attempt, kernel.random()), batch);
            }
        }
        metrics.dropped(buffer.plugin(), "failed", batch.size());
        LOG.log(Level.ERROR, batch.size() + " audit events are lost: " + server.uri() + " did not take them: " + why);
    }

    private void pause(Duration pause, List<byte[]> batch) throws InterruptedException {
        try {
            kernel.timers().sleep(pause);
        } catch (InterruptedException stopped) {
            metrics.dropped(buffer.plugin(), "stopped", batch.size());
            throw stopped;
        }
    }

    private HttpsCall.Answer send(List<byte[]> batch, Duration limit) throws IOException {
        return HttpsCall.to(server.tls(), server.uri(), server.headers("coppice-audit"), limit, LARGEST_ANSWER)
                .send(kernel, "POST", list(batch));
    }

    private static byte[] list(List<byte[]> batch) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(("{\"kind\":\"EventList\",\"apiVersion\":\"" + AuditPolicyReader.API_VERSION
                        + "\",\"metadata\":{},\"items\":[")
                .getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < batch.size(); i++) {
            if (i > 0) {
                out.write(',');
            }
            out.writeBytes(batch.get(i));
        }
        out.writeBytes(new byte[] {']', '}'});
        return out.toByteArray();
    }
}
