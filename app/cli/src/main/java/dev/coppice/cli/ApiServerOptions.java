package dev.coppice.cli;

import dev.coppice.control.ApiOptions;
import dev.coppice.control.audit.AuditOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code coppice up} that have kube-apiserver's names. */
final class ApiServerOptions {
    private static final Pattern TIME = Pattern.compile("(\\d{1,7})(ms|s|m|h)");

    @Option(
            names = "--audit-policy-file",
            paramLabel = "FILE",
            description = "Which requests of the API are recorded, and how much of them (audit.k8s.io/v1 Policy).")
    private @Nullable Path auditPolicy;

    @Option(
            names = "--audit-log-path",
            paramLabel = "FILE",
            description = "Where the audit log is written, one JSON object a line; - for standard output.")
    private @Nullable String auditLog;

    @Option(
            names = "--audit-log-maxsize",
            paramLabel = "MEGABYTES",
            description = "The most in one file of the audit log before it is rotated (default: ${DEFAULT-VALUE}).")
    private int auditSize = AuditOptions.NONE.maxSize();

    @Option(
            names = "--audit-log-maxbackup",
            paramLabel = "FILES",
            description = "How many older files of the audit log are kept; 0 keeps all (default: ${DEFAULT-VALUE}).")
    private int auditBackups = AuditOptions.NONE.maxBackup();

    @Option(
            names = "--audit-log-maxage",
            paramLabel = "DAYS",
            description = "How long older files of the audit log are kept; 0 for ever (default: ${DEFAULT-VALUE}).")
    private int auditDays = AuditOptions.NONE.maxAge();

    @Option(
            names = "--audit-webhook-config-file",
            paramLabel = "FILE",
            description = "A kubeconfig: the server to which audit events are posted.")
    private @Nullable Path auditWebhook;

    @Option(
            names = "--audit-webhook-batch-buffer-size",
            paramLabel = "EVENTS",
            description = "How many audit events may wait for that server (default: ${DEFAULT-VALUE}).")
    private int webhookBuffer = AuditOptions.Webhook.NONE.bufferSize();

    @Option(
            names = "--audit-webhook-batch-max-size",
            paramLabel = "EVENTS",
            description = "The most audit events that are posted at once (default: ${DEFAULT-VALUE}).")
    private int webhookBatch = AuditOptions.Webhook.NONE.maxBatch();

    @Option(
            names = "--audit-webhook-batch-max-wait",
            paramLabel = "TIME",
            description = "How long an audit event waits for others (default: ${DEFAULT-VALUE}).")
    private String webhookWait = "30s";

    @Option(
            names = "--audit-webhook-initial-backoff",
            paramLabel = "TIME",
            description = "The first pause before audit events are posted again (default: ${DEFAULT-VALUE}).")
    private String webhookBackoff = "10s";

    ApiOptions options(List<String> problems) {
        return new ApiOptions(new AuditOptions(
                auditPolicy,
                auditLog,
                auditSize,
                auditBackups,
                auditDays,
                new AuditOptions.Webhook(
                        auditWebhook,
                        webhookBuffer,
                        webhookBatch,
                        time("--audit-webhook-batch-max-wait", webhookWait, problems),
                        time("--audit-webhook-initial-backoff", webhookBackoff, problems))));
    }

    private static Duration time(String option, String text, List<String> problems) {
        Matcher matcher = TIME.matcher(text);
        if (!matcher.matches()) {
            problems.add(option + ": \"" + text + "\": expected a number with ms, s, m or h, such as 30s");
            return Duration.ofSeconds(1);
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofHours(number);
        };
    }
}
