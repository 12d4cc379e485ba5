package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who is told about which checks, and when. */
@Description("Who is told about which checks, and when.")
public record NotificationPolicySpec(
        @Required @ListMap("name") @Length(min = 1, max = 64) @Description("Where notifications go.")
        List<Receiver> receivers,

        @Length(max = 64)
        @Description(
                "Which checks go to which receivers: the first match wins, unless it says continue. Without routes,"
                        + " everything goes to all receivers.")
        List<Route> routes,

        @Length(max = 64)
        @Description(
                "Namespaces whose checks are told about; by default the policy's own. Others, or * for all, need the"
                        + " RBAC verb list on healthchecks there for the ServiceAccounts of the policy's namespace.")
        List<String> namespaces,

        @Length(max = 8)
        @Description("What makes one notification of several checks: namespace, group, severity, check, or label:NAME."
                + " Default: namespace and group.")
        List<String> groupBy,

        @Default("\"10s\"") @Description("How long a new group waits for more before its first notification.") @Nullable
        Duration groupWait,

        @Default("\"1m\"") @Description("The least time between two notifications of a group.") @Nullable
        Duration groupInterval,

        @Default("\"4h\"")
        @Description("A reminder comes after this time while something is still failing; 0s for none.")
        @Nullable
        Duration repeatInterval,

        @Default("true") @Description("Tells when everything is well again.") @Nullable
        Boolean sendResolved,

        @Default("false") @Description("Tells about checks that are Degraded, too.") @Nullable
        Boolean includeDegraded,

        @Length(max = 64)
        @Description("Windows in which nothing is sent; what is still failing afterwards is told then.")
        List<QuietHours> quietHours) {

    public NotificationPolicySpec {
        receivers = Lists.copy(receivers);
        routes = Lists.copy(routes);
        namespaces = Lists.copy(namespaces);
        groupBy = Lists.copy(groupBy);
        quietHours = Lists.copy(quietHours);
    }

    /** Which checks go to which receivers. */
    @Description("Which checks go to which receivers. All that is given must match.")
    public record Route(
            @Required @Length(min = 1, max = 64) @Description("Names of receivers.")
            List<String> receivers,

            @Description("Chooses checks by their labels.") @Nullable
            LabelSelector selector,

            @Description("Chooses checks by namespace.") List<String> namespaces,
            @Description("Chooses checks by group.") List<String> groups,
            @Description("Chooses checks by severity.") List<Severity> severities,

            @Default("false") @Description("Goes on to the next routes after a match.") @Nullable
            Boolean continueMatching,

            @Description("Instead of the policy's groupWait.") @Nullable
            Duration groupWait,

            @Description("Instead of the policy's groupInterval.") @Nullable
            Duration groupInterval,

            @Description("Instead of the policy's repeatInterval.") @Nullable
            Duration repeatInterval) {
        public Route {
            receivers = Lists.copy(receivers);
            namespaces = Lists.copy(namespaces);
            groups = Lists.copy(groups);
            severities = Lists.copy(severities);
        }
    }

    /** A window in which nothing is sent. */
    @Description("A window in which nothing is sent.")
    public record QuietHours(
            @Required @Length(min = 1, max = 256) @Description("When it opens: five cron fields.")
            String cron,

            @Required @Description("How long it stays open.")
            Duration duration,

            @Default("\"UTC\"") @Description("The time zone of the cron expression.") @Nullable
            String timeZone,

            @Description("Only these severities are quiet; by default all.")
            List<Severity> severities) {
        public QuietHours {
            severities = Lists.copy(severities);
        }
    }

    /** Where notifications go; exactly one sort. */
    @Description("Where notifications go. Exactly one of webhook, email, slack and pagerDuty.")
    @Rule(
            value =
                    "[has(self.webhook), has(self.email), has(self.slack), has(self.pagerDuty)].filter(x, x).size() == 1",
            message = "exactly one of webhook, email, slack and pagerDuty must be given")
    public record Receiver(
            @Required @Length(min = 1, max = 63) @Description("Its name in this policy.")
            String name,

            @Description("Posts JSON as Alertmanager's webhook receiver does.") @Nullable
            Webhook webhook,

            @Description("Sends e-mail by SMTP.") @Nullable Email email,

            @Description("Posts to a Slack-compatible incoming webhook.") @Nullable
            Slack slack,

            @Description("Sends events by the PagerDuty Events API v2.") @Nullable
            PagerDuty pagerDuty,

            @Default("\"10s\"") @Description("How long one attempt may take.") @Nullable
            Duration timeout,

            @Default("\"24h\"")
            @Description("How long delivery is tried, with growing pauses, before a notification is given up.")
            @Nullable
            Duration giveUpAfter,

            @Length(max = 253)
            @Description("A HostAccessClass that permits link-local and metadata addresses.")
            @Nullable
            String hostAccessClassName) {}

    /** Posts JSON as Alertmanager's webhook receiver does. */
    @Description("Posts JSON as Alertmanager's webhook receiver (version 4) does.")
    public record Webhook(
            @Required @Description("The address, http or https.")
            SecretValue url,

            @ListMap("name") @Description("Headers to send.")
            List<Header> headers,

            @Description("Sends an Authorization: Bearer header.") @Nullable
            SecretValue bearerToken) {
        public Webhook {
            headers = Lists.copy(headers);
        }
    }

    /** Sends e-mail by SMTP. */
    @Description("Sends e-mail by SMTP.")
    public record Email(
            @Required @Length(min = 1, max = 253) @Description("The SMTP server.")
            String host,

            @Default("587") @Minimum(1) @Maximum(65535) @Description("Its port.") @Nullable
            Integer port,

            @Required @Description("The sender.") String from,

            @Required @Length(min = 1, max = 100) @Description("The recipients.")
            List<String> to,

            @Description("The user to sign in as.") @Nullable
            String username,

            @Description("The password to sign in with.") @Nullable
            SecretValue password,

            @Default("\"starttls\"")
            @Description("none, starttls (required to succeed) or tls (from the start).")
            @Nullable
            Encryption encryption) {
        public Email {
            to = Lists.copy(to);
        }
    }

    /** How mail is protected on its way to the server. */
    public enum Encryption {
        none,
        starttls,
        tls
    }

    /** Posts to a Slack-compatible incoming webhook. */
    @Description("Posts to a Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat).")
    public record Slack(
            @Required @Description("The address of the webhook.")
            SecretValue url,

            @Description("Instead of the webhook's own channel.") @Nullable
            String channel) {}

    /** Sends events by the PagerDuty Events API v2. */
    @Description("Sends events by the PagerDuty Events API v2.")
    public record PagerDuty(
            @Required @Description("The integration key.") SecretValue routingKey,

            @Default("\"https://events.pagerduty.com/v2/enqueue\"") @Description("The address of the API.") @Nullable
            String url) {}
}
