package dev.coppice.cli;

import dev.coppice.control.ApiOptions;
import dev.coppice.control.audit.AuditOptions;
import dev.coppice.control.history.JournalRetention;
import dev.coppice.control.oidc.OidcOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code coppice up} for its API, by kube-apiserver's names where it has them. */
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

    @Option(
            names = "--oidc-issuer-url",
            paramLabel = "URL",
            description = "Take ID tokens of this OpenID Connect issuer (https://…).")
    private @Nullable URI oidcIssuer;

    @Option(
            names = "--oidc-client-id",
            paramLabel = "ID",
            description = "Whom those tokens have to be for (their aud).")
    private @Nullable String oidcClient;

    @Option(
            names = "--oidc-username-claim",
            paramLabel = "CLAIM",
            description = "The claim that names the user (default: ${DEFAULT-VALUE}).")
    private String oidcUsername = OidcOptions.NONE.usernameClaim();

    @Option(
            names = "--oidc-username-prefix",
            paramLabel = "TEXT",
            description =
                    "Put before that name; - for nothing (default: the issuer and #; nothing for the claim email).")
    private @Nullable String oidcUsernamePrefix;

    @Option(
            names = "--oidc-groups-claim",
            paramLabel = "CLAIM",
            description = "The claim that names the user's groups; without it there are none.")
    private @Nullable String oidcGroups;

    @Option(names = "--oidc-groups-prefix", paramLabel = "TEXT", description = "Put before the names of groups.")
    private String oidcGroupsPrefix = "";

    @Option(
            names = "--oidc-required-claim",
            paramLabel = "KEY=VALUE",
            description = "What a token has to say as well; may be repeated.")
    private Map<String, String> oidcRequired = Map.of();

    @Option(
            names = "--oidc-ca-file",
            paramLabel = "FILE",
            description = "Who signed the issuer's certificate (PEM); the platform's authorities otherwise.")
    private @Nullable Path oidcAuthority;

    @Option(
            names = "--oidc-signing-algs",
            paramLabel = "ALG,…",
            split = ",",
            description = "How tokens may be signed (default: ${DEFAULT-VALUE}).")
    private List<String> oidcAlgorithms = OidcOptions.NONE.signingAlgs();

    @Option(
            names = "--journal-max-age",
            paramLabel = "DAYS",
            description = "How long the journal knows who changed what (default: ${DEFAULT-VALUE}).")
    private int journalDays = (int) JournalRetention.Limits.DEFAULT.age().toDays();

    @Option(
            names = "--journal-max-size",
            paramLabel = "MEGABYTES",
            description = "The most that the journal takes; the oldest changes go first (default: ${DEFAULT-VALUE}).")
    private int journalSize = (int) (JournalRetention.Limits.DEFAULT.bytes() >> 20);

    ApiOptions options(List<String> problems) {
        return new ApiOptions(
                audit(problems),
                oidc(),
                new JournalRetention.Limits(Duration.ofDays(journalDays), (long) journalSize << 20));
    }

    private OidcOptions oidc() {
        return new OidcOptions(
                oidcIssuer,
                oidcClient,
                oidcUsername,
                oidcUsernamePrefix,
                oidcGroups,
                oidcGroupsPrefix,
                oidcRequired,
                oidcAuthority,
                oidcAlgorithms);
    }

    private AuditOptions audit(List<String> problems) {
        return new AuditOptions(
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
                        time("--audit-webhook-initial-backoff", webhookBackoff, problems)));
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
