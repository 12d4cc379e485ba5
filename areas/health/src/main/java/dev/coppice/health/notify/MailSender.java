package dev.coppice.health.notify;

import dev.coppice.health.kind.NotificationPolicySpec.Email;
import dev.coppice.health.kind.NotificationPolicySpec.Encryption;
import dev.coppice.health.notify.Channel.DeliveryException;
import dev.coppice.probe.AddressPolicy;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Date;
import java.util.Properties;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/** Sends mail by SMTP (RFC 5321). The library is loaded with the first mail. */
final class MailSender {
    private MailSender() {}

    static void send(
            Email email, @Nullable String password, Notification notification, Duration timeout, AddressPolicy policy)
            throws DeliveryException {
        Encryption encryption = email.encryption() == null ? Encryption.starttls : email.encryption();
        String protocol = encryption == Encryption.tls ? "smtps" : "smtp";
        Session session = Session.getInstance(properties(email, encryption, protocol, password, timeout, policy));
        try {
            MimeMessage message = message(session, email, notification);
            try (Transport transport = session.getTransport(protocol)) {
                transport.connect(email.host(), port(email), email.username(), password);
                transport.sendMessage(message, message.getAllRecipients());
            }
        } catch (MessagingException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new DeliveryException(
                    "mail by " + email.host() + ":" + port(email) + " failed: " + e.getMessage()
                            + (cause == e ? "" : " (" + cause.getMessage() + ")"),
                    e);
        }
    }

    private static int port(Email email) {
        return email.port() == null ? 587 : email.port();
    }

    private static Properties properties(
            Email email,
            Encryption encryption,
            String protocol,
            @Nullable String password,
            Duration timeout,
            AddressPolicy policy) {
        Properties properties = new Properties();
        String prefix = "mail." + protocol + ".";
        String millis = String.valueOf(Math.max(1, timeout.toMillis()));
        properties.put(prefix + "connectiontimeout", millis);
        properties.put(prefix + "timeout", millis);
        properties.put(prefix + "writetimeout", millis);
        properties.put(prefix + "auth", String.valueOf(email.username() != null && password != null));
        properties.put(prefix + "ssl.checkserveridentity", "true");
        properties.put(prefix + "localhost", "coppice");
        if (encryption == Encryption.starttls) {
            properties.put(prefix + "starttls.enable", "true");
            properties.put(prefix + "starttls.required", "true");
        }
        properties.put(prefix + "socketFactory", new JudgingSocketFactory(policy));
        properties.put(prefix + "socketFactory.fallback", "false");
        return properties;
    }

    private static MimeMessage message(Session session, Email email, Notification notification)
            throws MessagingException {
        MimeMessage message = new MimeMessage(session) {
            @Override
            protected void updateMessageID() throws MessagingException {
                setHeader("Message-ID", "<" + notification.id() + "@coppice.invalid>");
            }
        };
        message.setFrom(new InternetAddress(email.from()));
        for (String to : email.to()) {
            message.addRecipient(Message.RecipientType.TO, new InternetAddress(to));
        }
        message.setSubject(Messages.subject(notification), StandardCharsets.UTF_8.name());
        message.setText(Messages.text(notification), StandardCharsets.UTF_8.name());
        message.setSentDate(Date.from(notification.created()));
        message.setHeader("Auto-Submitted", "auto-generated");
        return message;
    }

    /** Makes sockets that connect to no address that the policy refuses. */
    private static final class JudgingSocketFactory extends SocketFactory {
        private final AddressPolicy policy;

        JudgingSocketFactory(AddressPolicy policy) {
            this.policy = policy;
        }

        @Override
        public Socket createSocket() {
            return new Socket() {
                @Override
                public void connect(SocketAddress endpoint, int timeout) throws IOException {
                    if (endpoint instanceof InetSocketAddress inet && inet.getAddress() != null) {
                        String refusal = policy.refusal(inet.getAddress());
                        if (refusal != null) {
                            throw new IOException("the address is refused: " + refusal);
                        }
                    }
                    super.connect(endpoint, timeout);
                }

                @Override
                public void connect(SocketAddress endpoint) throws IOException {
                    connect(endpoint, 0);
                }
            };
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            Socket socket = createSocket();
            socket.connect(new InetSocketAddress(host, port));
            return socket;
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
            return createSocket(host, port);
        }

        @Override
        public Socket createSocket(InetAddress host, int port) throws IOException {
            Socket socket = createSocket();
            socket.connect(new InetSocketAddress(host, port));
            return socket;
        }

        @Override
        public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
                throws IOException {
            return createSocket(address, port);
        }
    }
}
