package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.health.check.HostAccess;
import dev.coppice.health.check.Secrets;
import dev.coppice.health.kind.Header;
import dev.coppice.health.kind.NotificationPolicySpec.Receiver;
import dev.coppice.health.kind.NotificationPolicySpec.Webhook;
import dev.coppice.probe.AddressPolicy;
import dev.coppice.probe.InvalidProbeException;
import dev.coppice.probe.ProbeResult;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.Prober;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Delivers by HTTP and SMTP. HTTP goes through the prober, so deliveries have its bounds in time and bytes and its address
 * policy.
 */
public final class NetworkChannel implements Channel {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Prober prober;
    private final Prober openProber;
    private final Secrets secrets;
    private final HostAccess hostAccess;

    public NetworkChannel(Prober prober, Secrets secrets, HostAccess hostAccess) {
        this.prober = prober;
        this.openProber = prober.withPolicy(AddressPolicy.OPEN);
        this.secrets = secrets;
        this.hostAccess = hostAccess;
    }

    @Override
    public void deliver(Notification notification, Receiver receiver) throws DeliveryException, InterruptedException {
        String namespace = notification.policy().namespace();
        try {
            if (receiver.webhook() != null) {
                webhook(notification, receiver, receiver.webhook(), namespace);
            } else if (receiver.slack() != null) {
                ObjectNode body = Messages.slack(notification);
                if (receiver.slack().channel() != null) {
                    body.put("channel", receiver.slack().channel());
                }
                String url = secrets.text(namespace, receiver.slack().url());
                post(notification, receiver, String.valueOf(url), Map.of(), body);
            } else if (receiver.pagerDuty() != null) {
                String key = String.valueOf(
                        secrets.text(namespace, receiver.pagerDuty().routingKey()));
                String url = receiver.pagerDuty().url() == null
                        ? "https://events.pagerduty.com/v2/enqueue"
                        : receiver.pagerDuty().url();
                for (Alert alert : notification.alerts()) {
                    post(notification, receiver, url, Map.of(), Messages.pagerDuty(notification, alert, key));
                }
            } else if (receiver.email() != null) {
                String password = secrets.text(namespace, receiver.email().password());
                MailSender.send(
                        receiver.email(), password, notification, timeout(receiver), policy(notification, receiver));
            }
        } catch (Secrets.MissingSecretException e) {
            throw new DeliveryException(String.valueOf(e.getMessage()), e);
        }
    }

    private void webhook(Notification notification, Receiver receiver, Webhook webhook, String namespace)
            throws DeliveryException, InterruptedException, Secrets.MissingSecretException {
        Map<String, String> headers = new LinkedHashMap<>();
        for (Header header : webhook.headers()) {
            headers.put(header.name(), secrets.text(namespace, header.value(), header.secretRef()));
        }
        String token = secrets.text(namespace, webhook.bearerToken());
        if (token != null) {
            headers.put("Authorization", "Bearer " + token);
        }
        String url = String.valueOf(secrets.text(namespace, webhook.url()));
        post(notification, receiver, url, headers, Messages.webhook(notification));
    }

    private void post(
            Notification notification, Receiver receiver, String url, Map<String, String> headers, ObjectNode body)
            throws DeliveryException, InterruptedException {
        Map<String, String> all = new LinkedHashMap<>(headers);
        all.put("Content-Type", "application/json");
        all.put("User-Agent", "Coppice");
        all.put("Idempotency-Key", notification.id());
        Prober by = policy(notification, receiver).allowLinkLocal() ? openProber : prober;
        try {
            ProbeResult result = by.probe(
                    ProbeSpec.Http.builder(url)
                            .method("POST")
                            .headers(all)
                            .body(body.toString())
                            .maxRedirects(0)
                            .bodyLimitBytes(4096)
                            .build(),
                    timeout(receiver));
            if (!result.success()) {
                throw new DeliveryException(result.reason());
            }
        } catch (InvalidProbeException e) {
            throw new DeliveryException(String.valueOf(e.getMessage()), e);
        }
    }

    private AddressPolicy policy(Notification notification, Receiver receiver) throws DeliveryException {
        String className = receiver.hostAccessClassName();
        if (className == null) {
            return AddressPolicy.STRICT;
        }
        HostAccess.Grant grant = hostAccess.ask(notification.policy().namespace(), className);
        if (!grant.restrictedAddresses()) {
            throw new DeliveryException(
                    grant.refusal().isEmpty()
                            ? "HostAccessClass \"" + className + "\" does not permit link-local and metadata addresses"
                            : grant.refusal());
        }
        return AddressPolicy.OPEN;
    }

    private static Duration timeout(Receiver receiver) {
        return receiver.timeout() == null
                        || receiver.timeout().isNegative()
                        || receiver.timeout().isZero()
                ? TIMEOUT
                : receiver.timeout();
    }
}
