package dev.coppice.health.notify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.control.Key;
import dev.coppice.health.check.Specs;
import dev.coppice.health.kind.NotificationPolicySpec.Email;
import dev.coppice.health.kind.Severity;
import dev.coppice.probe.AddressPolicy;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What receivers get. */
class ChannelsTest {
    private static final Alert DOWN = new Alert(
            new Key("shop", "web"),
            "uid-1",
            "Down",
            true,
            false,
            Severity.critical,
            "Shop",
            "http",
            "The front page",
            "status 500 <oops>",
            Instant.parse("2026-03-01T10:00:00Z"),
            Map.of("app", "shop"));

    private static Notification notification(Alert... alerts) {
        return new Notification(
                "p-7",
                new Key("shop", "policy"),
                "p",
                "team",
                "group",
                Map.of("group", "Shop"),
                Notification.Sort.CHANGE,
                List.of(alerts),
                Instant.parse("2026-03-01T10:01:00Z"),
                0,
                Instant.EPOCH);
    }

    @Test
    void webhooksGetAlertmanagersJson() {
        var body = Messages.webhook(notification(DOWN));
        assertThat(body.path("version").asText()).isEqualTo("4");
        assertThat(body.path("status").asText()).isEqualTo("firing");
        assertThat(body.path("commonLabels").path("severity").asText()).isEqualTo("critical");
        var alert = body.path("alerts").get(0);
        assertThat(alert.path("labels").path("check").asText()).isEqualTo("web");
        assertThat(alert.path("startsAt").asText()).isEqualTo("2026-03-01T10:00:00Z");
        assertThat(alert.path("endsAt").asText()).startsWith("0001");
        assertThat(alert.path("fingerprint").asText()).isEqualTo("uid-1");
    }

    @Test
    void pagerDutyAndSlackGetTheirs() {
        var trigger = Messages.pagerDuty(notification(DOWN), DOWN, "key");
        assertThat(trigger.path("event_action").asText()).isEqualTo("trigger");
        var resolve = Messages.pagerDuty(notification(DOWN), DOWN.resolved(Instant.EPOCH), "key");
        assertThat(resolve.path("event_action").asText()).isEqualTo("resolve");
        assertThat(resolve.path("dedup_key")).isEqualTo(trigger.path("dedup_key"));
        var slack = Messages.slack(notification(DOWN));
        assertThat(slack.path("text").asText()).contains("[FIRING:1] shop/web");
        assertThat(slack.path("attachments").get(0).path("text").asText()).contains("&lt;oops&gt;");
    }

    @Test
    void aNotificationSurvivesItsJson() {
        var notification = notification(DOWN);
        assertThat(Notification.read(notification.json())).isEqualTo(notification);
    }

    @Test
    void mailIsSent() throws Exception {
        try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            CompletableFuture<String> mail = CompletableFuture.supplyAsync(() -> serve(server));
            var email = Specs.read(
                    Email.class,
                    "{'host':'127.0.0.1','port':" + server.getLocalPort()
                            + ",'from':'coppice@example.org','to':['ops@example.org'],'encryption':'none'}");
            MailSender.send(email, null, notification(DOWN), Duration.ofSeconds(5), AddressPolicy.STRICT);
            assertThat(mail.get())
                    .contains(
                            "Subject: [FIRING:1] shop/web",
                            "Message-ID: <p-7@coppice.invalid>",
                            "RCPT TO:<ops@example.org>");
        }
    }

    @org.junit.jupiter.params.ParameterizedTest
    @org.junit.jupiter.params.provider.ValueSource(strings = {"none", "starttls", "tls"})
    void mailGoesToNoForbiddenAddressAndErrorsAreInWords(String encryption) {
        var forbidden = Specs.read(
                Email.class,
                "{'host':'169.254.169.254','port':25,'from':'a@b.c','to':['d@e.f'],'encryption':'" + encryption + "'}");
        assertThatThrownBy(() -> MailSender.send(
                        forbidden, null, notification(DOWN), Duration.ofSeconds(2), AddressPolicy.STRICT))
                .isInstanceOf(Channel.DeliveryException.class)
                .hasMessageContaining("refused");
    }

    private static String serve(ServerSocket server) {
        StringBuilder all = new StringBuilder();
        try (var socket = server.accept();
                var in = new BufferedReader(new InputStreamReader(socket.getInputStream()))) {
            var out = socket.getOutputStream();
            out.write("220 test\r\n".getBytes());
            boolean data = false;
            String line;
            while ((line = in.readLine()) != null) {
                all.append(line).append('\n');
                if (data && !line.equals(".")) {
                    continue;
                }
                String answer = "250 ok\r\n";
                if (line.equals("DATA")) {
                    data = true;
                    answer = "354 go on\r\n";
                } else if (line.equals(".")) {
                    data = false;
                } else if (line.equals("QUIT")) {
                    out.write("221 bye\r\n".getBytes());
                    break;
                }
                out.write(answer.getBytes());
                out.flush();
            }
        } catch (java.io.IOException e) {
            all.append(e);
        }
        return all.toString();
    }
}
