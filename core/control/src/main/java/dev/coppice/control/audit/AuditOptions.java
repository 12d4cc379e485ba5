package dev.coppice.control.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is recorded and where it goes, by kube-apiserver's names of the options, as they are written.
 *
 * @param policyFile which requests, and how much of them; null for no audit log
 * @param logPath a file, or {@code -} for standard output; null for none
 * @param maxSize the most megabytes of a file
 * @param maxBackup how many older files are kept; 0 for all
 * @param maxAge how many days they are kept; 0 for ever
 */
public record AuditOptions(
        @Nullable Path policyFile, @Nullable String logPath, int maxSize, int maxBackup, int maxAge, Webhook webhook) {

    /** No audit log. */
    public static final AuditOptions NONE = new AuditOptions(null, null, 100, 0, 0, Webhook.NONE);

    private static final String STANDARD_OUTPUT = "-";
    private static final int MOST_BATCH = 10_000;

    /**
     * A server that events are posted to.
     *
     * @param configFile a kubeconfig; null for none
     * @param bufferSize how many events may wait
     * @param maxBatch the most events of a batch
     * @param maxWait how long the first of a batch waits for others
     * @param initialBackoff before a batch is sent for the second time
     */
    public record Webhook(
            @Nullable Path configFile, int bufferSize, int maxBatch, Duration maxWait, Duration initialBackoff) {
        public static final Webhook NONE =
                new Webhook(null, 10_000, 400, Duration.ofSeconds(30), Duration.ofSeconds(10));

        private void check(List<String> problems) {
            if (bufferSize < 1 || bufferSize > 1_000_000) {
                problems.add("--audit-webhook-batch-buffer-size: " + bufferSize + ": expected 1 to 1000000 events");
            }
            if (maxBatch < 1 || maxBatch > MOST_BATCH) {
                problems.add(
                        "--audit-webhook-batch-max-size: " + maxBatch + ": expected 1 to " + MOST_BATCH + " events");
            }
            if (maxWait.isNegative()) {
                problems.add("--audit-webhook-batch-max-wait: " + maxWait + ": expected a time, such as 30s");
            }
            if (!initialBackoff.isPositive()) {
                problems.add("--audit-webhook-initial-backoff: " + initialBackoff + ": expected more than nothing, such"
                        + " as 10s");
            }
        }
    }

    /**
     * What was found in the files.
     *
     * @param server null for no webhook
     */
    record Loaded(AuditPolicy policy, @Nullable Kubeconfig server) {}

    boolean standardOutput() {
        return STANDARD_OUTPUT.equals(logPath);
    }

    /** Everything that is wrong with these options and the files that they name. */
    public void check(List<String> problems) {
        Loaded _ = load(problems);
    }

    /** Reads the files; null when there is no audit log, or something is wrong, which is added to {@code problems} then. */
    @Nullable
    Loaded load(List<String> problems) {
        int before = problems.size();
        if (maxSize < 1) {
            problems.add("--audit-log-maxsize: " + maxSize + ": expected at least 1 megabyte");
        }
        if (maxBackup < 0) {
            problems.add("--audit-log-maxbackup: " + maxBackup + ": expected a number of files, or 0 to keep all");
        }
        if (maxAge < 0) {
            problems.add("--audit-log-maxage: " + maxAge + ": expected a number of days, or 0 to keep them for ever");
        }
        if (logPath != null && !standardOutput() && (logPath.isBlank() || Files.isDirectory(Path.of(logPath)))) {
            problems.add("--audit-log-path: \"" + logPath + "\": expected a file, or - for standard output");
        }
        webhook.check(problems);
        Path config = webhook.configFile;
        Kubeconfig server = config == null ? null : Kubeconfig.read("--audit-webhook-config-file", config, problems);
        AuditPolicy policy = policy(problems);
        return policy == null || problems.size() > before ? null : new Loaded(policy, server);
    }

    private @Nullable AuditPolicy policy(List<String> problems) {
        boolean sink = logPath != null || webhook.configFile != null;
        if (policyFile == null) {
            if (sink) {
                problems.add("--audit-policy-file: is missing: expected a policy (audit.k8s.io/v1), as "
                        + (logPath != null ? "--audit-log-path" : "--audit-webhook-config-file") + " is given");
            }
            return null;
        }
        if (!sink) {
            problems.add("--audit-policy-file: " + policyFile
                    + " has nowhere to write to: expected --audit-log-path or --audit-webhook-config-file with it");
        }
        List<String> wrong = new ArrayList<>();
        try {
            return AuditPolicyReader.read(Files.readString(policyFile));
        } catch (InvalidAuditPolicyException e) {
            wrong.addAll(e.problems());
        } catch (IOException e) {
            wrong.add("cannot be read: " + e.getClass().getSimpleName() + ": " + e.getMessage());
        }
        wrong.forEach(each -> problems.add("--audit-policy-file: " + policyFile + ": " + each));
        return null;
    }
}
