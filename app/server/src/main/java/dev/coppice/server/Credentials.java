package dev.coppice.server;

import dev.coppice.kernel.DurableFile;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.CertificateAuthority.KeyPairPem;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;

/** What the administrator of a node connects with: a client certificate and a kubeconfig, kept in the data directory. */
final class Credentials {
    private static final Duration VALIDITY = Duration.ofDays(365);
    private static final Duration RENEW_BEFORE = Duration.ofDays(30);

    private Credentials() {}

    /** Writes the certificate if it is missing or ends soon, and the kubeconfig. Mode 0600. */
    static void write(CertificateAuthority authority, Endpoints endpoints, String name, String token, Instant now)
            throws IOException {
        Path certificate = endpoints.clientCertificate();
        if (!valid(certificate, now) || !Files.exists(endpoints.clientKey())) {
            KeyPairPem pair = authority.client("admin", List.of("system:masters"), VALIDITY);
            DurableFile.write(endpoints.clientKey(), pair.keyPem());
            DurableFile.write(certificate, pair.certificatePem());
        }
        if (!Files.exists(endpoints.certificateAuthority())) {
            DurableFile.write(endpoints.certificateAuthority(), authority.rootPem());
        }
        DurableFile.write(endpoints.kubeconfig(), kubeconfig(authority, endpoints, name, token));
    }

    private static boolean valid(Path certificate, Instant now) throws IOException {
        if (!Files.exists(certificate)) {
            return false;
        }
        try {
            X509Certificate read = (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(certificate)));
            return read.getNotAfter().toInstant().isAfter(now.plus(RENEW_BEFORE));
        } catch (CertificateException e) {
            return false;
        }
    }

    private static String kubeconfig(CertificateAuthority authority, Endpoints endpoints, String name, String token) {
        String root = Base64.getEncoder().encodeToString(authority.rootPem().getBytes(StandardCharsets.US_ASCII));
        // In quotes: YAML takes names such as y, on and 12 for something else.
        return """
                apiVersion: v1
                kind: Config
                clusters:
                - name: "%1$s"
                  cluster:
                    server: %2$s
                    certificate-authority-data: %3$s
                users:
                - name: "%1$s-admin"
                  user:
                    token: %4$s
                contexts:
                - name: "%1$s"
                  context:
                    cluster: "%1$s"
                    user: "%1$s-admin"
                current-context: "%1$s"
                """.formatted(name, endpoints.api(), root, token);
    }
}
